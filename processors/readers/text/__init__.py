"""The reader of text layers: words with their places, labels, amounts, dates, statements and payslips."""
