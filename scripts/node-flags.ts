/**
 * Flags for the Node that runs kubets. A larger young generation lets the garbage of requests die
 * young instead of being copied into the old one.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=16'];
