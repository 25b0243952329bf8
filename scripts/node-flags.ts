/**
 * Flags for the Node that runs kubets. A larger young generation lets the garbage of requests die
 * young instead of being copied into the old one. A heap that grows less between two full
 * collections stays small under load; they run beside the main thread for the most part.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=16', '--heap-growing-percent=70'];
