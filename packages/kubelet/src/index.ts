/** Public exports of the kubelet. */
export {};
