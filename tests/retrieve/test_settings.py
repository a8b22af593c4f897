from retrieve.settings import Settings
from tests.store.deployment import TEMPLATE, function

DEPLOYED = dict(function("RetrieveFunction").environment)


def test_the_template_s_environment_has_every_setting() -> None:
    assert Settings.of(DEPLOYED) == Settings(
        archive_bucket=TEMPLATE.bucket,
        index_table=TEMPLATE.table,
        retrieve_base_url="",
        allowed_origins=frozenset(),
        audit_trail="",
        audit_source="stowport",
    )
