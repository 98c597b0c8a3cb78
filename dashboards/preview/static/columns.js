// What people read above a column, and of its values.

const COLUMNS = JSON.parse(document.getElementById("page").textContent).columns;

const spaces = (text) => String(text).replaceAll("_", " ");

export const heading = (name) => COLUMNS[name]?.heading ?? spaces(name);

export const decimals = (name) => COLUMNS[name]?.decimals ?? undefined;

// A code of ours is read with spaces; what people wrote stays as they wrote it.
export const spaced = (name, value) => (COLUMNS[name]?.is_code && typeof value === "string" ? spaces(value) : value);
