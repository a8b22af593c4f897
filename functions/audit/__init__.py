"""Function: writes the audit trail."""
