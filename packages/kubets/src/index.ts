/** See ARCHITECTURE.md; public exports of this package are named here. */
export {};
