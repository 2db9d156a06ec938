// How many devices run what: bars by one property each, or one property against another.

const PROPERTIES = {
  version: "Version",
  platform: "Platform",
  os_version: "OS version",
  plugin_version: "Plugin",
  version_build: "Native build",
  channel: "Pinned to",
  is_prod: "Production build",
  is_emulator: "Emulator",
};
const property = (name) => (Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name] : plain(name));

function breakdown({ by, groups, other_devices: others }) {
  const names = String(by).split(" + ");
  const split = list(groups).map((group) => ({ ...group, names: String(group.value).split(" + ") }));
  const isCrossed = names.length === 2 && split.every((group) => group.names.length === 2);
  const [first, second] = names.map(property);
  return [
    ...(isCrossed
      ? [cross(`${first} by ${second.toLowerCase()}`, [first, second], split)]
      : bars(
          names.length === 1 ? `By ${first.toLowerCase()}` : names.map(property).join(", "),
          names.map(property).join(", "),
          split,
        )),
    others > 0 && soft(`${devices(others)} with other values.`),
  ];
}

begin("fleet", (facts) => [
  head(devices(facts.devices)),
  facts.devices_seen !== facts.devices && soft(`Out of ${count(facts.devices_seen)} that were read.`),
  facts.complete === false &&
    el("p", { class: "warn" }, "Not all devices of the app were read: the figures are those of a part."),
  facts.devices === 0 && soft("No device matches."),
  ...list(facts.breakdown).flatMap((one) => breakdown(object(one))),
]);
