// The share of devices on each bundle, by day, and when a bundle began to be run.

const NEW = 5; // percent by which a bundle that began to be run counts for more

/** The bundles that were run most, in the order of the answer, and all others as one. */
function together(bundles, days) {
  const began = (bundle) => list(bundle.percent).findIndex((value) => value > 0) > 0;
  const weight = (bundle) => Math.max(0, ...list(bundle.percent).map(within)) + (began(bundle) ? NEW : 0);
  const most = [...bundles].sort((one, other) => weight(other) - weight(one)).slice(0, BANDS);
  const shown = bundles.filter((bundle) => most.includes(bundle));
  const series = shown.map((bundle, color) => ({ name: bundle.name, values: list(bundle.percent), color }));
  const rest = bundles.filter((bundle) => !most.includes(bundle));
  const sums = days.map((_, at) => rest.reduce((sum, bundle) => sum + within(list(bundle.percent)[at]), 0));
  return rest.length > 0 ? [...series, { name: `${count(rest.length)} others`, values: sums, color: BANDS }] : series;
}

/** The days within the time shown on which a bundle was run for the first time. */
function beginnings(series, days) {
  return series
    .filter(({ color }) => color < BANDS)
    .map(({ name, values }) => ({ name, at: values.findIndex((value) => value > 0) }))
    .filter(({ at }) => at > 0 && at < days.length)
    .sort((one, other) => one.at - other.at);
}

function legend(series) {
  return el(
    "ul",
    { class: "legend" },
    series.map(({ name, values, color }) =>
      el(
        "li",
        {},
        el("span", { class: `swatch c${color}`, "aria-hidden": "true" }),
        word(name),
        ` ${percent(values.at(-1) ?? 0)}`,
      ),
    ),
  );
}

function byDay(series, days) {
  const columns = [["Day", "named"], ...series.map(({ name }) => [word(name), "number"])];
  const rows = days.map((one, at) => [day(one), ...series.map(({ values }) => percent(values[at] ?? 0))]);
  return el(
    "details",
    {},
    el("summary", {}, "By day, as a table"),
    el(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": "Shares by day" },
      ...table("Share of devices by day", columns, rows.reverse()).filter(Boolean),
    ),
  );
}

begin("adoption", (facts) => {
  const days = list(facts.days);
  const bundles = list(facts.bundles).map(object);
  if (days.length === 0 || bundles.length === 0) return [head("Adoption"), soft("No device was counted in this time.")];
  const series = together(bundles, days);
  const marks = beginnings(series, days);
  const time = `${day(days[0])} – ${day(days.at(-1))}`;
  const rows = bundles.map((bundle) => [word(bundle.name), share(bundle.latest_percent), count(bundle.latest_devices)]);
  return [
    head("Adoption", el("span", { class: "soft" }, time)),
    ...bands(
      `Share of devices on each bundle, ${time}. The tables below have the figures.`,
      days,
      [...series].reverse(),
      marks,
    ),
    legend(series),
    marks.length > 0 &&
      section(
        "First run",
        el(
          "ol",
          {},
          marks.map(({ name, at }) => el("li", {}, word(name), `, ${day(days[at])}`)),
        ),
      ),
    byDay(series, days),
    ...table(
      `On ${day(days.at(-1))}`,
      [
        ["Bundle", "named"],
        ["Share", "part"],
        ["Devices", "number"],
      ],
      rows,
    ),
  ];
});
