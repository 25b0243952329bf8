/** A failure the user can do something about: shown as one line, without a stack, with exit code 1. */
export class UserError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
  }
}
