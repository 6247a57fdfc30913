package io.sluice.proxy;

/** What becomes of a pod's established connections when its listeners are closed. */
public enum ReleaseMode {
  /** They end when their ends end them. */
  KEEP_ESTABLISHED,
  /** They are reset at once, so that nothing of ours keeps the pod's network namespace alive. */
  RESET_ESTABLISHED
}
