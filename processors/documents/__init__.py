"""Reading an applicant's documents: a store that encrypts, a sandboxed reader, parsers of payslips and statements."""
