#!/bin/sh
# Sends every study of Orthanc that is new or has changed to the relay; run it again and again.
# A study that was sent has the time of its last change as metadata 1025. If sending it fails, it
# has not, and the next run sends it.

orthanc=${1:-http://127.0.0.1:8042}

curl -fsS "$orthanc/studies?expand" |
   jq -r '.[] | select(.IsStable) | "\(.ID) \(.LastUpdate)"' |
   while read -r study change; do
      [ "$(curl -fs "$orthanc/studies/$study/metadata/1025")" = "$change" ] && continue
      curl -fsS -o /dev/null -d "{\"Resources\": [\"$study\"]}" \
         "$orthanc/dicom-web/servers/relay/stow" &&
         curl -fsS -X PUT -d "$change" "$orthanc/studies/$study/metadata/1025"
   done
