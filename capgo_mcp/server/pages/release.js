// A release: who gets it and how it does, whether it fails, or whether it is ready, and what to do next.

const HEALTH = {
  healthy: ["Healthy", "good"],
  failing: ["Failing", "bad"],
  too_few: ["Too few devices to tell", "warn"],
  unknown: ["Not known", "warn"],
};
const SAYS = { go: ["Go", "good"], wait: ["Wait", "warn"], no: ["No", "bad"] };
const REACH = { default: "All devices", pinned: "Devices pinned to it", self_set: "Devices that join it" };
const judged = (verdicts, verdict) =>
  pill(...(Object.hasOwn(verdicts, verdict) ? verdicts[verdict] : [plain(verdict), "warn"]));

/** The bundle in a message of the reader's, where its name looks like a version. */
const named = (version) => (isVersion(version) ? ` of ${version}` : "");

function call({ tool, arguments: given }) {
  const words = Object.entries(object(given)).map(([name, value]) => `${plain(name)}: ${plain(value)}`);
  return el("li", {}, el("code", {}, [plain(tool), ...words].join("\n  ")));
}

const calls = (title, values) =>
  list(values).length > 0 &&
  section(
    title,
    el(
      "ol",
      { class: "calls" },
      list(values).map((one) => call(object(one))),
    ),
  );

function serving(channels) {
  const columns = [
    ["Channel", "named"],
    ["Share", "part"],
    ["Who gets it", ""],
  ];
  return table(
    "Channels that serve it",
    columns,
    channels.map((one) => [
      el("span", {}, word(one.channel), one.role === "rollout" && el("span", { class: "soft" }, " rollout")),
      share(one.percent),
      el(
        "span",
        {},
        Object.hasOwn(REACH, one.reach) ? REACH[one.reach] : plain(one.reach ?? "–"),
        one.paused_since && el("span", { class: "warn" }, ` Paused since ${moment(one.paused_since)}`),
        one.pause_reason && el("span", {}, ": ", sentence(one.pause_reason)),
      ),
    ]),
  );
}

function adoption({ days, percent: values, latest_devices: latest }) {
  if (list(days).length === 0) return [];
  const label = `Share of devices that ran it, ${day(days[0])} – ${day(days.at(-1))}: ${percent(list(values).at(-1))} at the end.`;
  return [
    el("h2", {}, "Adoption"),
    ...(list(values).some((value) => value > 0)
      ? bands(label, days, [{ values: list(values), color: 0 }], [], "low")
      : []),
    soft(`${percent(list(values).at(-1))} on the last day`, isNumber(latest) && `, ${devices(latest)}`, "."),
    el(
      "details",
      {},
      el("summary", {}, "By day, as a table"),
      ...table(
        "Share of devices by day",
        [
          ["Day", "named"],
          ["Share", "number"],
        ],
        list(days)
          .map((one, at) => [day(one), percent(list(values)[at])])
          .reverse(),
      ).filter(Boolean),
    ),
  ];
}

function status(facts) {
  const health = object(facts.health);
  const obstacles = list(facts.obstacles).map(object);
  return [
    head(
      word(facts.version),
      judged(HEALTH, health.verdict ?? "unknown"),
      facts.created_at && el("span", { class: "soft" }, moment(facts.created_at)),
    ),
    facts.comment && el("p", {}, sentence(facts.comment)),
    health.reason && soft(sentence(health.reason)),
    ...(list(facts.channels).length > 0
      ? serving(list(facts.channels).map(object))
      : [section("Channels", soft("No channel serves it."))]),
    ...adoption(object(facts.adoption)),
    facts.pinned_elsewhere?.devices > 0 &&
      section(
        "Pinned elsewhere",
        el(
          "p",
          {},
          `${devices(facts.pinned_elsewhere.devices)} of ${count(facts.pinned_elsewhere.devices_seen)} seen last, to `,
          list(facts.pinned_elsewhere.channels).flatMap((name, at) => [at > 0 && ", ", word(name)]),
          ".",
        ),
      ),
    section(
      "In its way",
      obstacles.length > 0
        ? el(
            "ul",
            {},
            obstacles.map((one) =>
              el("li", {}, sentence(one.what), one.do && el("div", { class: "soft" }, sentence(one.do))),
            ),
          )
        : soft("Nothing was found."),
    ),
    section("Not known", sentences(facts.unknown)),
    buttons(
      ["Show its health", `Show the update health${named(facts.version)}: its failures by cause, and what to do.`],
      ["Plan it for all", `Plan the release${named(facts.version)} on the default channel, and change nothing.`],
    ),
  ];
}

function health(facts) {
  const measures = [facts.failures, facts.compared_with].filter(Boolean).map(object);
  const causes = list(facts.causes).map(object);
  return [
    head(
      word(facts.version ?? "Update health"),
      judged(HEALTH, facts.verdict),
      facts.since && el("span", { class: "soft" }, `since ${moment(facts.since)}`),
    ),
    facts.reason && el("p", {}, sentence(facts.reason)),
    ...(measures.length > 0
      ? table(
          "Devices that report failures",
          [
            ["Bundle", "named"],
            ["Share", "part"],
            ["Failed", "number"],
            ["Devices", "number"],
          ],
          measures.map((one) => [word(one.version), share(one.percent, "bad"), count(one.failed), count(one.devices)]),
        )
      : []),
    ...(causes.length > 0
      ? table(
          "Causes",
          [
            ["Cause", "named"],
            ["Share", "part"],
            ["Devices", "number"],
            ["Bundle before", "number"],
          ],
          causes.map((one) => [
            el("span", {}, word(one.means ?? one.code), el("div", { class: "soft" }, word(one.code))),
            share(one.percent, "bad"),
            count(one.devices),
            percent(one.percent_before),
          ]),
        )
      : []),
    section("What to do", facts.do && el("p", {}, sentence(facts.do))),
    section("Not known", sentences(facts.unknown)),
    facts.verdict === "failing" &&
      buttons([
        "Stop it",
        `Stop the release${named(facts.version)} as the update health proposes. Tell me each change before you make it.`,
        "danger",
      ]),
  ];
}

function plan(facts) {
  const reasons = list(facts.reasons).map(object);
  const release = named(object(object(list(facts.calls)[0]).arguments).version);
  return [
    head("Plan", judged(SAYS, facts.verdict)),
    reasons.length > 0 &&
      el(
        "dl",
        { class: "reasons" },
        reasons.flatMap((one) => [el("dt", {}, judged(SAYS, one.says)), el("dd", {}, sentence(one.what))]),
      ),
    calls("Next", facts.calls),
    calls("Way back", facts.back),
    section("Does not come back", sentences(facts.not_brought_back)),
    section("Not known", sentences(facts.unknown)),
    list(facts.calls).length > 0 &&
      buttons(
        facts.verdict === "go"
          ? ["Do it", `Make the calls of the plan${release}, in their order, exactly as they stand there.`]
          : [
              "Do it all the same",
              `I have read what speaks against it. Make the calls of the plan${release}, in their order, exactly as they stand there.`,
              "danger",
            ],
        ["Leave it", `Leave the plan${release}: change nothing.`],
      ),
  ];
}

begin("release", (facts) => ("reasons" in facts ? plan : "obstacles" in facts ? status : health)(facts));
