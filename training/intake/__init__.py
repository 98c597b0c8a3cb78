"""Files of any make as columns of text: encoding, delimiter, header; and cells as numbers and dates."""
