"""What every field of every event means, with an example: put into the JSON Schemas, AsyncAPI and the page of fields.

A row of a model stands before the row that all models share. What a field takes (type, bounds) is said by the models.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel


class Meaning(NamedTuple):
    """What a field holds, and one value of it as JSON has it; None where its parts have examples of their own."""

    text: str
    example: Any = None


SHARED: Mapping[str, Meaning] = {
    "tenant": Meaning("The bank. The same as in the topic's name.", "bank-a"),
    "application_id": Meaning("The bank's own id of the application. The record's key.", "A-2026-000417"),
    "revision": Meaning("Counts the versions of one application, from 1. A change is sent as the next one.", 1),
    "code": Meaning("A machine-readable code; docs/reference/reason-codes.md has its sentence.", "loan_to_income"),
    "code_version": Meaning("Version of the code that made it, with the hash of its sources.", "0.1.0+8c1f0a2b"),
    "accepted_at": Meaning("When the broker took the application: its own clock.", "2026-03-31T10:00:00.123Z"),
    "lane": Meaning("Where documents were read: with the others, or apart because they took long.", "fast"),
    "verification_result": Meaning("The worst of what documents and checks gave.", "verified"),
    "at": Meaning("When it happened.", "2026-03-31T10:00:00.123Z"),
    "stage": Meaning("The stage of ours that worked on it.", "verify"),
    "kind": Meaning("Which kind it is.", "payslip"),
    "sha256": Meaning("SHA-256 of the document's bytes: its name in the document store.", "9f86d081884c7d65" * 4),
    "reason": Meaning("Why, in words.", "the applicant's employer confirmed the income"),
    "actor": Meaning("Who did it.", "priya.nair"),
    "application": Meaning("The application as the bank sent it, without `monitoring`."),
}
"""Field name -> what it means wherever no row of its model says it."""

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    "LoanApplication": {
        "submitted_at": Meaning("When the customer applied, by the bank's clock.", "2026-03-31T09:59:58Z"),
        "currency": Meaning("ISO 4217 code of every amount in the application.", "INR"),
        "applicant": Meaning("Who applies."),
        "loan": Meaning("What is asked for."),
        "annual_income": Meaning("Gross income of one year, before tax and deductions, in `currency`.", "1440000.00"),
        "monthly_obligations": Meaning(
            "What is repaid each month for other loans, in `currency`; 0 for none. Absent: not known, which is not "
            "zero, and under the default policy nobody is approved so.",
            "12500.00",
        ),
        "cibil_score": Meaning("The bureau's score. Absent for a thin file: missing, never zero.", 778),
        "assets": Meaning("What the applicant says to own, by kind."),
        "documents": Meaning("Documents that were stored before, by content."),
        "monitoring": Meaning("Protected attributes. Stripped before anything is decided."),
        "extensions": Meaning(
            "The bank's own fields: kept, returned nowhere, no part of the decision.", {"branch": "12"}
        ),
    },
    "Applicant": {
        "dependents": Meaning("People who live on the applicant's income.", 2),
        "education": Meaning("Whether the applicant has a university degree.", "graduate"),
        "self_employed": Meaning("Whether the income is of the applicant's own business.", False),
        "name": Meaning(
            "Full name, for checks alone: without it no document is known to be the applicant's.", "Asha Rao"
        ),
        "employer": Meaning("Employer's name, for checks against documents alone.", "Deccan Mills Ltd"),
        "identifiers": Meaning("Numbers of the applicant that documents may show."),
    },
    "Identifier": {
        "kind": Meaning("What it is a number of.", "customer_number"),
        "value": Meaning("The number. Compared with documents, never a feature.", "C-55-0199"),
    },
    "Loan": {
        "amount": Meaning("What is asked for, in the application's currency.", "3600000.00"),
        "term_years": Meaning("How long it is repaid, in years.", 15),
        "product": Meaning("The bank's name of the product; no part of the decision.", "home-standard"),
        "purpose": Meaning("What it is for; no part of the decision.", "purchase of a flat"),
    },
    "Assets": {
        "residential": Meaning("Homes, in the application's currency, less what is owed on them.", "4200000.00"),
        "commercial": Meaning("Business property, less what is owed on it.", "0.00"),
        "luxury": Meaning("Vehicles, jewellery and the like, less what is owed on them.", "650000.00"),
        "bank": Meaning("Deposits and balances.", "480000.00"),
    },
    "DocumentRef": {
        "kind": Meaning("What the document is said to be; its reader is chosen by it.", "payslip"),
        "media_type": Meaning("Of the bytes. PDFs are read today, where they are called so.", "application/pdf"),
        "size": Meaning("Its length in bytes: a document of another length is not read.", 48213),
    },
    "Monitoring": {
        "gender": Meaning("For fairness monitoring alone.", "female"),
        "ethnicity": Meaning("For fairness monitoring alone.", "not stated"),
        "marital_status": Meaning("For fairness monitoring alone.", "married"),
        "age_band": Meaning("For fairness monitoring alone.", "30-39"),
    },
    "ApplicationAccepted": {
        "fast_lane_started_at": Meaning("When the fast lane began to read its documents.", "2026-03-31T10:00:00.130Z"),
    },
    "ApplicationVerified": {
        "extractions": Meaning("What each document gave, in the order of the application's documents."),
        "checks": Meaning("Claims held against documents, worst first."),
        "processing": Meaning("Who verified, when. No part of the decision's inputs."),
    },
    "Extraction": {
        "kind": Meaning("What the application said the document is.", "payslip"),
        "status": Meaning("Whether it could be read.", "read"),
        "reason": Meaning("Why it was not read; a code of docs/reference/reason-codes.md.", "no_text_layer"),
        "reader": Meaning("Which reader read it.", "text"),
        "pages": Meaning("Pages of the document; 0 where they could not be counted.", 1),
        "fields": Meaning("The values that were read."),
        "findings": Meaning("Signs of alteration, as codes of docs/reference/reason-codes.md.", []),
    },
    "ExtractedField": {
        "name": Meaning("What the value is.", "gross_pay"),
        "value": Meaning("A decimal string for money, a date as YYYY-MM-DD, text otherwise.", "120000.00"),
        "confidence": Meaning("How sure the reader is, 0 to 1.", 0.95),
        "page": Meaning("The page it stands on, from 1.", 1),
    },
    "Check": {
        "claim": Meaning("The application's field that was checked.", "annual_income"),
        "result": Meaning("What came of it.", "verified"),
        "document": Meaning("The document it was held against.", "9f86d081884c7d65" * 4),
        "field": Meaning("The document's field it was held against.", "gross_pay"),
        "claimed": Meaning("What the application says.", "1440000.00"),
        "found": Meaning("What the document says, on the claim's scale (a year's income, say).", "1440000.00"),
        "difference": Meaning("(claimed - found) / claimed: above 0 where the claim is higher.", 0.0),
        "similarity": Meaning("1 - Levenshtein distance / longer length, of digits or letters.", 1.0),
        "label": Meaning("A hint for whoever reviews it.", "digits_swapped"),
    },
    "VerifyProcessing": {
        "started_at": Meaning("When verify took it up.", "2026-03-31T10:00:00.130Z"),
        "finished_at": Meaning("When verify was done.", "2026-03-31T10:00:00.142Z"),
        "worker": Meaning("Which worker verified.", "verify-0"),
    },
    "LoanDecision": {
        "decision_id": Meaning(
            "Made from the application, its documents, the bundle and the policy: the same inputs give the same id.",
            "b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50",
        ),
        "outcome": Meaning("What was decided; `refer` means that a person decides.", "approve"),
        "p_model": Meaning("The model's raw probability of approval; null where it was not asked.", 0.91),
        "p_calibrated": Meaning("The calibrated probability of the label approved, not of default.", 0.88),
        "penalties": Meaning("The policy's penalties that applied, in its order."),
        "score_final": Meaning("`p_calibrated` less the penalties, never below 0: what the bands judge.", 0.76),
        "thresholds": Meaning("The policy's bands."),
        "base_points": Meaning("Points of an average applicant: where the reasons begin.", 623.9),
        "final_points": Meaning("Points of `score_final`: `base_points` and all rows with points.", 665.7),
        "principal_reasons": Meaning(
            "For the applicant: up to four factors that held back the approval, the weightiest first, each once; null "
            "in an approval, and in decisions of versions that did not tell them."
        ),
        "reasons": Meaning("What decided it: decisive rows first, then rows with points, most harmful first."),
        "recourse": Meaning("A change that would have led to another outcome; null where none is told."),
        "basis": Meaning("What the decision stood on, as codes.", ["documents_verified"]),
        "receipt": Meaning("What proves it."),
        "processing": Meaning("Who worked on it, when. No part of the decision."),
    },
    "Penalty": {
        "code": Meaning("The penalty's code.", "penalty_lti_elevated"),
        "size": Meaning("What was subtracted from the probability.", 0.18),
    },
    "Thresholds": {
        "approve": Meaning("Above it the score approves.", 0.7),
        "decline": Meaning("At or below it the score declines.", 0.3),
    },
    "Reason": {
        "text": Meaning(
            "The reason as a sentence for the applicant.", "The loan amount is 2.5 times the annual income."
        ),
        "points": Meaning("What the row adds to the points; null where it decided without points.", -27.1),
        "decisive": Meaning("Whether it decided, above the score.", False),
        "value": Meaning("The applicant's own value.", "2.5"),
    },
    "PrincipalReason": {
        "factor": Meaning("The underlying factor (docs/reference/reason-codes.md).", "loan_burden"),
        "text": Meaning(
            "The reason as a sentence for the applicant.",
            "The loan is 8.50 times the annual income; more than 8 is declined.",
        ),
        "points": Meaning(
            "What the factor cost beside a typical approved application; null where it decided by itself.", -61.3
        ),
        "value": Meaning("The applicant's own value.", "8.50"),
        "bound": Meaning("The policy's bound that the value missed.", "8"),
    },
    "Recourse": {
        "code": Meaning("What would have to change.", "lower_amount"),
        "text": Meaning("The change as a sentence.", "With a loan of 3,000,000 the application would be approved."),
        "value": Meaning("The value it would have to have.", "3000000.00"),
        "outcome": Meaning("What would then be decided.", "approve"),
    },
    "Receipt": {
        "key_id": Meaning("Which of the tenant's receipt keys made the HMACs.", "2026-01"),
        "input_hmac": Meaning("HMAC of the application's canonical bytes.", "hmac-sha256:" + "0f" * 32),
        "evidence_hmac": Meaning("HMAC of what its documents gave.", "hmac-sha256:" + "1e" * 32),
        "features_hmac": Meaning("HMAC of the feature values.", "hmac-sha256:" + "2d" * 32),
        "bundle_id": Meaning("Content hash of the model bundle.", "sha256:" + "3c" * 32),
        "policy_id": Meaning("Content hash of the policy.", "sha256:" + "4b" * 32),
    },
    "DecisionProcessing": {
        "verify_started_at": Meaning("When verify took it up.", "2026-03-31T10:00:00.130Z"),
        "verify_finished_at": Meaning("When verify was done.", "2026-03-31T10:00:00.142Z"),
        "score_started_at": Meaning("When score took it up.", "2026-03-31T10:00:00.150Z"),
        "score_finished_at": Meaning("When score was done.", "2026-03-31T10:00:00.155Z"),
        "verify_worker": Meaning("Which worker verified.", "verify-0"),
        "score_worker": Meaning("Which worker scored.", "score-0"),
    },
    "DeadLetter": {
        "tenant": Meaning("The bank of the topic; null on a shared topic.", "bank-a"),
        "cause": Meaning("Why, as a code of docs/reference/dead-letter-causes.md.", "invalid_event"),
        "errors": Meaning("What is wrong, field by field; nothing of what was found."),
        "origin": Meaning("Where the record came from: its identity."),
        "attempts": Meaning("How often the record was processed, redrives included.", 1),
        "at": Meaning("When the letter was made.", "2026-03-31T10:00:00.123Z"),
        "key_base64": Meaning("The record's key.", "QS0yMDI2LTAwMDQxNw=="),
        "value_base64": Meaning(
            "The record's value; null where it does not fit into a record again.", "eyJ0ZW5hbnQiOiAxfQ=="
        ),
        "value_sha256": Meaning("SHA-256 of the record's value.", "9f86d081884c7d65" * 4),
        "value_size": Meaning("Size of the record's value, in bytes.", 13),
        "headers": Meaning("The record's headers, as far as they fit."),
        "sender_told": Meaning("Whether a `loan.record.rejected` goes with it.", True),
    },
    "RecordRejected": {
        "application_id": Meaning("The record's key, where it is an application's id; else null.", "A-2026-000417"),
        "origin": Meaning("Where the bank's record stands: what its producer was told when it was sent."),
        "attempts": Meaning("How often the record was processed: above 1 where we did so again.", 1),
        "cause": Meaning("Why, as a code of docs/reference/dead-letter-causes.md.", "invalid_event"),
        "errors": Meaning("What is wrong, field by field, and what is expected; nothing of what was found."),
        "at": Meaning("When it was rejected.", "2026-03-31T10:00:00.131Z"),
    },
    "RejectionWithdrawn": {
        "application_id": Meaning("The application; null where the record's key was none.", "A-2026-000417"),
        "origin": Meaning("Where the bank's record stands, as in its rejection; the stamp is not known (-1)."),
        "at": Meaning("When it was taken.", "2026-03-31T11:00:00.131Z"),
    },
    "DeadLetterHandled": {
        "tenant": Meaning("The bank of the letter; null on a shared topic.", "bank-a"),
        "letter": Meaning("Where the dead letter lies."),
        "origin": Meaning("The record that the letter is about."),
        "cause": Meaning("The letter's cause.", "invalid_event"),
        "action": Meaning("What was done.", "discarded"),
        "reason": Meaning("Why, in words. Needed to discard.", "a test record of the bank's"),
    },
    "Origin": {
        "topic": Meaning("The topic it stood in.", "loan.applications.v1.bank-a"),
        "partition": Meaning("The partition it stood in.", 3),
        "offset": Meaning("Its offset in the partition.", 4711),
        "timestamp_ms": Meaning("The broker's time, in milliseconds since 1970; -1: not known.", 1774951200123),
    },
    "Header": {
        "name": Meaning("The header's name.", "traceparent"),
        "value_base64": Meaning("The header's value.", "MDA="),
    },
    "FieldError": {
        "field": Meaning(
            "Path of the field, by names of ours; (unknown) for another's, (record) and (key) for what is no field.",
            "loan.term_years",
        ),
        "error": Meaning("The kind of error: one of a table, to which kinds may be added.", "missing"),
        "expected": Meaning("What is expected there.", "an integer of at least 0"),
        "found": Meaning("JSON type and size of what was found, never the value.", "string of 3 characters"),
    },
    "LoanOutcome": {
        "at": Meaning("When it happened, by the bank's clock.", "2026-09-30T00:00:00Z"),
        "kind": Meaning("Whether a repayment is told, or what a person decided.", "human_decision"),
        "repayment": Meaning("How the loan stands. Needed for a repayment.", "performing"),
        "days_past_due": Meaning("Days since the oldest instalment that is not paid.", 0),
        "balance": Meaning("What is still owed, in the application's currency.", "3120000.00"),
        "decision": Meaning("What the person decided. Needed for a human decision.", "approve"),
        "actor": Meaning("Who decided. Needed for a human decision.", "priya.nair"),
        "reason": Meaning("Why, in words. Needed for a human decision.", "the employer confirmed the income by letter"),
        "asserted_by": Meaning(
            "The HTTP client that names the actor, where no token of the actor's proved it.", "core-banking"
        ),
    },
    "Activation": {
        "activation_id": Meaning("Its id.", "7d3f2c1e-9a8b-4c5d-8e6f-0a1b2c3d4e5f"),
        "tenant": Meaning("The bank it is for; null for all.", "bank-a"),
        "bundle_id": Meaning("The bundle from then on; null: as before.", "sha256:" + "3c" * 32),
        "policy_id": Meaning("The policy from then on; null: as before.", "sha256:" + "4b" * 32),
        "lead_ms": Meaning("How long after its own broker time it takes effect, in milliseconds.", 10_000),
        "reason": Meaning("Why, in words.", "the board's decision of 12 March"),
        "withdraws": Meaning("The activation that it withdraws.", "7d3f2c1e-9a8b-4c5d-8e6f-0a1b2c3d4e50"),
        "rolls_back": Meaning("The activation that it takes back.", "7d3f2c1e-9a8b-4c5d-8e6f-0a1b2c3d4e51"),
    },
    "GatewayClaim": {
        "claim_id": Meaning(
            "Its own id: the record's key, the same in `claimed` and `sent`.", "5d0e2f3c-8a1b-4c7d-9e6f-0a1b2c3d4e5f"
        ),
        "client_id": Meaning("The client that its access token names.", "bank-a-portal"),
        "key_hmac": Meaning(
            "HMAC of client and `Idempotency-Key`, by which a repeat is known.", "hmac-sha256:" + "a7" * 32
        ),
        "body_hmac": Meaning("HMAC of the request's body: another one is refused.", "hmac-sha256:" + "b1" * 32),
        "status": Meaning("Whether its application was confirmed by the broker.", "sent"),
    },
    "ServiceMetric": {
        "worker": Meaning("Which worker measured it.", "score-0"),
        "name": Meaning("The metric's name; docs/reference/metrics.md.", "records_in"),
        "value": Meaning("Its value.", 1024),
        "labels": Meaning("Its labels.", {"slot": "0"}),
    },
}
"""Model -> field -> what it means there."""


def meaning(model: str, field: str) -> Meaning | None:
    """What a field of a model means; None where no row says it."""
    return MEANINGS.get(model, {}).get(field) or SHARED.get(field)


def lacking(models: Mapping[str, type[BaseModel]]) -> Iterator[str]:
    """The fields of some models that no row explains, and the rows that explain no field, as `Model.field`."""
    for name, model in models.items():
        yield from (f"{name}.{field}" for field in model.model_fields if meaning(name, field) is None)
    for name, rows in MEANINGS.items():
        yield from (f"{name}.{field}" for field in rows if name not in models or field not in models[name].model_fields)
