"""What a request's payload is wrapped in: media types and multipart (RFC 9110, RFC 2046)."""
