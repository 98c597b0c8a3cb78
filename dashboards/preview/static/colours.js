// Colours by name, so that an outcome looks the same everywhere; the others in one order that colour-blind people tell apart.

const NAMED = {
  approve: "approve", approved: "approve", match: "approve", agrees: "approve", ok: "approve", repaid: "approve",
  verified: "approve",
  refer: "refer", referred: "refer", unverified: "refer", unreadable: "refer", unavailable: "series-8", suspicious: "refer", missing: "refer", late: "refer",
  decline: "decline", declined: "decline", mismatch: "decline", default: "decline", defaulted: "decline", lost: "decline",
};

const SERIES = 8;

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const outcome = (text) => NAMED[String(text).toLowerCase()];

// The colour of each series of a chart, in the order of its names.
export function ofSeries(names) {
  let next = 0;
  return names.map((name) => {
    const meant = outcome(name);
    return meant ? css(meant) : css(`series-${(next++ % SERIES) + 1}`);
  });
}

// The name of the colour that thresholds give a value; none where there are no thresholds.
export function ofThreshold(value, thresholds) {
  if (!thresholds.length || value === null || value === undefined) return null;
  let found = "green";
  for (const [from, colour] of thresholds) if (value >= from) found = colour;
  return found;
}
