// Bars, cross tables and shares over time; each is a table, or has one.

const FIRST = 12; // rows that stand open
const BANDS = 6; // shares that have a colour of their own

const within = (value) => (isNumber(value) ? Math.min(100, Math.max(0, value)) : 0);

/** A bar of a share, and the share. */
function share(value, kind) {
  const fill = el("span", { class: "fill" });
  fill.style.width = `${within(value)}%`;
  return el(
    "span",
    { class: `share ${kind ?? ""}` },
    el("span", { class: "track" }, fill),
    el("span", {}, percent(value)),
  );
}

/** A table of which only the first rows stand open. */
function table(caption, columns, rows, kind = "") {
  const heading = columns.map(([name, of]) => el("th", { scope: "col", class: of }, name));
  const made = (some, text) =>
    el(
      "table",
      { class: kind },
      el("caption", {}, text),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heading.map((one) => one.cloneNode(true)),
        ),
      ),
      el(
        "tbody",
        {},
        some.map((cells) =>
          el(
            "tr",
            {},
            cells.map((cell, at) =>
              cell instanceof HTMLTableCellElement
                ? cell
                : at === 0
                  ? el("th", { scope: "row", class: columns[at][1] }, cell)
                  : el("td", { class: columns[at][1] }, cell),
            ),
          ),
        ),
      ),
    );
  const more = rows.slice(FIRST);
  return [
    made(rows.slice(0, FIRST), caption),
    more.length > 0 &&
      el(
        "details",
        { class: "rest" },
        el("summary", {}, `${count(more.length)} more`),
        made(more, `${caption}, continued`),
      ),
  ];
}

/** Parts of a whole as bars: rows of a name, a number of devices and their share. */
function bars(caption, what, rows) {
  const columns = [
    [what, "named"],
    ["Share", "part"],
    ["Devices", "number"],
  ];
  return table(
    caption,
    columns,
    rows.map((row) => [word(row.value), share(row.percent), count(row.devices)]),
  );
}

/** Devices by two properties: one down, one across. */
function cross(caption, [down, across], cells) {
  const total = new Map();
  const columns = new Map();
  const at = new Map();
  let most = 0;
  for (const {
    names: [row, column],
    devices,
  } of cells) {
    const number = isNumber(devices) ? devices : 0;
    total.set(row, (total.get(row) ?? 0) + number);
    columns.set(column, (columns.get(column) ?? 0) + number);
    at.set(JSON.stringify([row, column]), devices);
    most = Math.max(most, number);
  }
  const names = [...columns.keys()];
  const cell = (row, column) => {
    const devices = at.get(JSON.stringify([row, column]));
    const made = el("td", { class: "number" }, devices === undefined ? "–" : count(devices));
    if (isNumber(devices) && most > 0) made.style.setProperty("--heat", String(within((100 * devices) / most) / 100));
    return made;
  };
  const heading = [[down, "named"], ...names.map((name) => [word(name), "number"]), ["Total", "number"]];
  const rows = [...total].map(([row, sum]) => [word(row), ...names.map((column) => cell(row, column)), count(sum)]);
  return el(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": `${down} by ${across}` },
    ...table(caption, heading, rows, "cross").filter(Boolean),
  );
}

/** Shares over time, one upon the other; marks tell where something began. */
function bands(label, days, series, marks = [], size = "") {
  const last = days.length - 1;
  const points =
    last > 0
      ? days.map((_, at) => ({ at, x: (100 * at) / last }))
      : [
          { at: 0, x: 0 },
          { at: 0, x: 100 },
        ];
  const lower = points.map(() => 0);
  const picture = el("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (const level of [25, 50, 75]) picture.append(el("line", { class: "grid", x1: 0, x2: 100, y1: level, y2: level }));
  for (const { values, color } of series) {
    const upper = points.map(({ at }, point) => Math.min(100, lower[point] + within(values[at])));
    const there = points.map(({ x }, point) => `${x} ${100 - upper[point]}`);
    const back = points.map(({ x }, point) => `${x} ${100 - lower[point]}`).reverse();
    picture.append(el("path", { class: `c${color}`, d: `M${[...there, ...back].join("L")}Z` }));
    lower.splice(0, lower.length, ...upper);
  }
  const chart = el("div", { class: `chart ${size}` }, picture);
  for (const level of [0, 50, 100]) {
    const text = el("span", { class: "level", "aria-hidden": "true" }, percent(level));
    text.style.top = `${100 - level}%`;
    chart.append(text);
  }
  marks.forEach(({ at }, number) => {
    picture.append(el("line", { class: "when", x1: points[at].x, x2: points[at].x, y1: 0, y2: 100 }));
    const text = el("span", { class: "mark", "aria-hidden": "true" }, String(number + 1));
    text.style.left = `${points[at].x}%`;
    chart.append(text);
  });
  const ends = [...new Set([days[0], days[Math.floor(last / 2)], days.at(-1)])];
  return [
    chart,
    el(
      "div",
      { class: "days", "aria-hidden": "true" },
      ends.map((one) => el("span", {}, day(one))),
    ),
  ];
}
