"""The answers of the functions: those of the protocol, which any server gives."""

from dicomweb.answer.response import refusal, refusal_of, report

__all__ = ["refusal", "refusal_of", "report"]
