// What a call would delete and what stays, or what it did. The buttons answer in the chat; they delete nothing.

const WORDS = {
  app_id: "App",
  app_ids: "Apps",
  api_key_id: "API key",
  bundles_to_delete: "Bundles to delete",
  bundles_to_keep: "Bundles to keep",
  kept_because_served: "Kept because channels serve them",
  served_by: "Served by",
  version: "Bundle",
  versions: "Bundles",
  public: "Default channel",
  devices_pinned: "Devices pinned to it",
  devices_on_it: "Devices that run it",
  created_at: "Made",
  expires_at: "Expires",
  org_id: "Organization",
  rollout_percentage_bps: "Rollout",
  rollout_version_info: "Bundle in rollout",
  is_tmp: "Invited only",
  version_name: "Bundle",
  capgo_will_refuse: "Capgo will refuse",
  in_a_later_call: "In a later call",
  webhook_id: "Webhook",
  device_id: "Device",
  custom_id: "Custom id",
  ios: "iOS",
};
const STAYS = new Set(["keep", "stays", "bundles_to_keep", "kept_because_served"]);
const DEVICE = new Set(["platform", "version_name", "custom_id"]); // what stays of a device that is unpinned

const WHOLE = { capgo_delete_app: "app_id", capgo_delete_organization: "org_id" };

/** Where it would be done, unless just that is what goes. */
const place = (tool, given) =>
  ["app_id", "org_id", "device_id"].filter((name) => name in given && WHOLE[tool] !== name);

/** Whether a fact tells of what stays when the call is made. */
const remains = (tool, name) =>
  STAYS.has(name) ||
  (tool === "capgo_delete_channel" && name === "version") ||
  (tool === "capgo_unset_device_channel" && DEVICE.has(name));

const label = (name) =>
  Object.hasOwn(WORDS, name)
    ? WORDS[name]
    : plain(name)
        .replaceAll("_", " ")
        .replace(/^./, (first) => first.toUpperCase());

function names(values) {
  const chips = (some) =>
    el(
      "ul",
      { class: "names" },
      some.map((value) => el("li", {}, word(value))),
    );
  const more = values.slice(2 * FIRST);
  return el(
    "div",
    {},
    chips(values.slice(0, 2 * FIRST)),
    more.length > 0 && el("details", {}, el("summary", {}, `${count(more.length)} more`), chips(more)),
  );
}

/** Rows of facts that have the same names. */
function rows(name, values) {
  const columns = [...new Set(values.flatMap(Object.keys))];
  const cells = values.map((row) =>
    columns.map((column) => (Object.hasOwn(row, column) ? fact(column, row[column]) : "–")),
  );
  const kind = (column) => (isNumber(values[0][column]) ? "number" : column === columns[0] ? "named" : "part");
  return el(
    "dd",
    { class: "whole" },
    ...table(
      label(name),
      columns.map((column) => [label(column), kind(column)]),
      cells,
    ).filter(Boolean),
  );
}

const areRows = (value) => Array.isArray(value) && value.length > 0 && value.every((one) => object(one) === one);

/** A fact as it is best read. */
function fact(name, value) {
  if (Array.isArray(value)) return value.length > 0 ? names(value) : "None";
  if (name === "rollout_percentage_bps") return percent(value / 100);
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (isNumber(value)) return name === "id" || name.endsWith("_id") ? String(value) : count(value);
  if (name.endsWith("_at") && typeof value === "string") return moment(value);
  if (object(value) === value) return value.name ? word(value.name) : facts(value);
  return sentence(value ?? "–");
}

const facts = (given) =>
  el(
    "dl",
    {},
    Object.entries(given).flatMap(([name, value]) =>
      areRows(value)
        ? [el("dt", { hidden: true }, label(name)), rows(name, value)]
        : [el("dt", {}, label(name)), el("dd", {}, fact(name, value))],
    ),
  );

function box(kind, title, entries) {
  return (
    entries.length > 0 &&
    el("section", { class: `box ${kind}` }, el("h2", {}, title), facts(Object.fromEntries(entries)))
  );
}

/** The answer of the reader: it names the call and the state that was shown, and no word of others. */
function answer({ tool, arguments: given }) {
  const { seen, confirm_name: name } = object(given);
  if (!isTool(tool) || !isMark(seen)) return soft("Answer in the chat.");
  const made = buttons(
    [
      "Go on",
      `Yes, I have seen the preview of ${tool} with the mark ${seen}. Make its call in after_consent, exactly as it stands there.`,
      "danger",
    ],
    ["Leave it", `No, leave the preview of ${tool} with the mark ${seen}: change nothing.`],
  );
  const go = made.querySelector("button");
  if (name === undefined || !go) return made;
  const typed = el("input", { type: "text", id: "name", autocomplete: "off", spellcheck: "false", size: 24 });
  go.disabled = true;
  typed.addEventListener("input", () => {
    go.disabled = chat.said || typed.value !== name; // once something is said, nothing more is
  });
  return el(
    "div",
    {},
    el("p", {}, el("label", { for: "name" }, "To go on, type ", sentence(name))),
    el("p", {}, typed),
    made,
  );
}

/** What the question of the answer warns of. */
function warnings(ask) {
  const mind = ask.indexOf("Mind that");
  return [
    ask.startsWith("What was shown") && el("p", { class: "warn" }, "What was shown before has changed since."),
    mind >= 0 && el("p", { class: "bad" }, sentence(ask.slice(mind))),
  ];
}

function preview(would, outcome) {
  const next = object(outcome.after_consent);
  const where = place(next.tool, object(would.facts));
  const entries = Object.entries(object(would.facts)).filter(([name]) => !where.includes(name));
  const stays = entries.filter(([name]) => remains(next.tool, name));
  const goes = entries.filter((entry) => !stays.includes(entry));
  return [
    head(word(would.would), pill(next.tool ? "Nothing has changed yet" : "Nothing changed", "warn")),
    ...where.map((name) => soft(`${label(name)}: `, word(would.facts[name]))),
    outcome.now && el("p", {}, sentence(outcome.now)),
    box("goes", "What goes", goes),
    box("stays", "What stays", stays),
    section("Not known", sentences(would.unknown)),
    ...warnings(plain(outcome.ask ?? "", 2 * SENTENCE)),
    next.tool && answer(next),
  ];
}

function done(outcome) {
  const undo = list(outcome.undo)
    .map((one) => object(one).tool)
    .filter(isTool);
  return [
    head(
      outcome.done ? "Done" : "Nothing changed",
      pill(outcome.done ? "Changed" : "Not done", outcome.done ? "good" : "warn"),
    ),
    outcome.now && el("p", {}, sentence(outcome.now)),
    outcome.before && el("section", { class: "box goes" }, el("h2", {}, "Before"), facts(object(outcome.before))),
    outcome.after &&
      el(
        "section",
        { class: "box stays" },
        el("h2", {}, "Now"),
        Object.keys(object(outcome.after)).length > 0 ? facts(outcome.after) : soft("Not there any more."),
      ),
    outcome.result && section("Answer", facts(object(outcome.result))),
    undo.length > 0 &&
      buttons([
        "Take it back",
        `Take that back: make the undo calls (${undo.join(", ")}) exactly as the answer has them.`,
      ]),
  ];
}

begin("consent", (outcome) => (outcome.preview ? preview(object(outcome.preview), outcome) : done(outcome)));
