const [NEEDED_MAJOR, NEEDED_MINOR] = [20, 19];

/** Null when this Node can run Gatehouse, else what to say. Told before anything is imported that an older Node cannot read. */
export function whyNodeIsTooOld(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NEEDED_MAJOR || (major === NEEDED_MAJOR && minor >= NEEDED_MINOR)) return null;
  return `Gatehouse needs Node ${NEEDED_MAJOR}.${NEEDED_MINOR} or newer; this is ${version}`;
}
