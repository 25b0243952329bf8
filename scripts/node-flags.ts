/**
 * Flags for the Node that runs kubets. A larger young generation lets the garbage of requests die
 * young instead of being copied into the old one. (A smaller `--heap-growing-percent` saves some 50 MB
 * under load, but then the heap is marked twice a second, which costs writes a tenth of their speed.)
 *
 * The optimizing compiler works beside, on the cores that requests need too. Ten times as many calls (3,000 by default)
 * before it takes a function on leave it what is hot for good; the rest is as well off with the compiler below it.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=16', '--invocation-count-for-turbofan=30000'];
