"""The four audit messages that this service writes (PS3.15 A.5.3), each as XML text on one line.

Text that XML cannot hold is replaced, and nothing is raised.
"""

from dicomweb.audit import codes
from dicomweb.audit.codes import Action, Outcome
from dicomweb.audit.document import Document
from dicomweb.audit.participants import Origin, Participant, Patient, Study, User


def instances_transferred(
    origin: Origin, action: Action, sender: str, study: Study, patient: Patient
) -> str:
    """Return DICOM Instances Transferred (PS3.15 A.5.3.7): ``sender`` stored instances here.

    ``action`` is CREATE if they were not held before, READ if they were and nothing changed, and
    UPDATE if they took the place of others.
    """
    document = Document(codes.INSTANCES_TRANSFERRED, action, origin, Outcome.SUCCESS)
    document.add_participants(
        Participant(user_id=sender, is_requestor=True, role=codes.SOURCE),
        Participant(user_id=origin.source, is_requestor=False, role=codes.DESTINATION),
    )
    document.add_study(study)
    document.add_patient(patient)
    return document.encode()


def instances_accessed(origin: Origin, reader: User, study: Study, patient: Patient) -> str:
    """Return DICOM Instances Accessed (PS3.15 A.5.3.6): ``reader`` retrieved instances."""
    document = Document(codes.INSTANCES_ACCESSED, Action.READ, origin, Outcome.SUCCESS)
    document.add_participants(
        Participant(user_id=reader.user_id, is_requestor=True, address=reader.address),
        Participant(user_id=origin.source, is_requestor=False),
    )
    document.add_study(study)
    document.add_patient(patient)
    return document.encode()


def user_authentication(origin: Origin, address: str) -> str:
    """Return User Authentication (PS3.15 A.5.3.12): no valid token came from ``address``.

    A refused token does not prove whose it is, so the address is the ID of the user as well.
    """
    document = Document(codes.USER_AUTHENTICATION, Action.EXECUTE, origin, Outcome.MINOR_FAILURE)
    document.add_type(codes.LOGIN)
    document.add_description("There was no valid bearer token.")
    document.add_participants(
        Participant(user_id=address, is_requestor=True, address=address),
        Participant(user_id=origin.source, is_requestor=False),
    )
    return document.encode()


def security_alert(origin: Origin, user: User, resource: str, description: str) -> str:
    """Return Security Alert (PS3.15 A.5.3.11): ``user`` may not do something with ``resource``.

    ``resource`` is a URI, and ``description`` says what was refused.
    """
    document = Document(codes.SECURITY_ALERT, Action.EXECUTE, origin, Outcome.SERIOUS_FAILURE)
    document.add_type(codes.USE_OF_RESTRICTED_FUNCTION)
    document.add_participants(
        Participant(user_id=origin.source, is_requestor=False),
        Participant(user_id=user.user_id, is_requestor=False, address=user.address),
    )
    document.add_resource(codes.URI, resource, description)
    return document.encode()
