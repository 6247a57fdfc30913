package io.sluice.cni.protocol;

/** Values of {@code CNI_COMMAND} that reach the daemon; the client answers VERSION itself. */
public enum CniCommand {
  /** A sandbox was made and has its network: put its pod into the mesh. */
  ADD,
  /** A sandbox goes. */
  DEL,
  /** Is what ADD did still in force? */
  CHECK,
  /** CNI 1.1: everything that is not in the list of valid attachments has gone. */
  GC,
  /** CNI 1.1: could an ADD be served? */
  STATUS
}
