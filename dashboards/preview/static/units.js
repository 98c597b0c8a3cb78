// Figures as people read them, by Grafana's names of units.

const counted = (value, decimals) =>
  value.toLocaleString("en-GB", { minimumFractionDigits: decimals ?? 0, maximumFractionDigits: decimals ?? digits(value) });

const digits = (value) => {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 1000) return 0;
  return size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 4;
};

const scaled = (value, steps, decimals) => {
  const size = Math.abs(value);
  const [from, name] = steps.find(([from]) => size >= from) ?? steps.at(-1);
  return counted(value / from, decimals ?? (size / from >= 100 || Number.isInteger(value / from) ? 0 : 1)) + name;
};

const BYTES = [[2 ** 40, " TiB"], [2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]];
const SECONDS = [[86400, " days"], [3600, " h"], [60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]];

const short = (value, decimals) => {
  const size = Math.abs(value);
  if (size < 1e5) return counted(value, decimals);
  const [from, name] = size >= 1e9 ? [1e9, " B"] : size >= 1e6 ? [1e6, " M"] : [1e3, " K"];
  return counted(value / from, decimals ?? 1) + name;
};

const seconds = (value, decimals) => (value === 0 ? "0 s" : scaled(value, SECONDS, decimals));

const two = (number) => String(number).padStart(2, "0");

export const moment = (ms) => {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};

const UNITS = {
  none: (value, decimals) => (decimals == null && Number.isInteger(value) ? String(value) : counted(value, decimals)),
  short,
  locale: (value, decimals) => counted(value, decimals ?? 0),
  percentunit: (value, decimals) => `${counted(value * 100, decimals ?? (Math.abs(value) < 0.0995 && value !== 0 ? 1 : 0))} %`,
  percent: (value, decimals) => `${counted(value, decimals ?? 1)} %`,
  ms: (value, decimals) => seconds(value / 1000, decimals),
  s: seconds,
  bytes: (value, decimals) => (value === 0 ? "0 B" : scaled(value, BYTES, decimals)),
  dateTimeAsIso: (value) => moment(value),
  dateTimeFromNow: (value) => {
    const past = (Date.now() - value) / 1000;
    return past < 0 ? moment(value) : `${seconds(past)} ago`;
  },
  cps: (value, decimals) => `${short(value, decimals)} /s`,
  ops: (value, decimals) => `${short(value, decimals)} /s`,
  reqps: (value, decimals) => `${short(value, decimals)} /s`,
  string: String,
};

export const known = Object.keys(UNITS);

// A figure with its unit; nothing where there is none.
export function shown(value, unit, decimals) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return (UNITS[unit] ?? UNITS.short)(value, decimals);
}
