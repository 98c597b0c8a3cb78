// What is chosen stands in the page's address, by Grafana's names: from, to, refresh, var-NAME. Links and bookmarks hold it.

export const ALL = "$__all";

export function read(page) {
  const given = new URLSearchParams(location.search);
  const vars = {};
  for (const { name } of page.variables) {
    const values = given.getAll(`var-${name}`);
    if (values.length && !values.includes(ALL)) vars[name] = values;
  }
  return {
    from: given.get("from") ?? page.since,
    to: given.get("to") ?? "now",
    timed: given.has("from"),
    refresh: given.get("refresh") ?? page.refresh,
    refreshed: given.has("refresh"),
    vars,
  };
}

// The parameters of an address; `more` are further variables, for a link that leads to one row's story.
export function parameters(choice, { more = {}, whole = false } = {}) {
  const asked = new URLSearchParams();
  if (choice.timed || whole) {
    asked.set("from", choice.from);
    asked.set("to", choice.to);
  }
  if (choice.refreshed && !whole) asked.set("refresh", choice.refresh);
  for (const [name, values] of Object.entries({ ...choice.vars, ...more })) {
    for (const value of values) asked.append(`var-${name}`, value);
  }
  return asked;
}

export function address(uid, asked) {
  const text = asked.toString();
  return `/d/${uid}${text ? `?${text}` : ""}`;
}
