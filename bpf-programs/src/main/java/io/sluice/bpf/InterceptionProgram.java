package io.sluice.bpf;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * One program of the interception, with the object file that holds it and where it is attached. The
 * attach type is the kernel's {@code enum bpf_attach_type} (linux/bpf.h).
 */
public enum InterceptionProgram {
  CONNECT4("connect4", 10, true),
  CONNECT6("connect6", 11, true),
  SENDMSG4("sendmsg4", 14, true),
  SENDMSG6("sendmsg6", 15, true),
  SOCK_OPS("sock_ops", 3, true),
  SOCK_CREATE("sock_create", 2, true),
  SKB_EGRESS("skb_egress", 1, true),
  SKB_INGRESS("skb_ingress", 0, true),
  GETPEERNAME4("getpeername4", 29, true),
  GETPEERNAME6("getpeername6", 30, true),
  GETSOCKNAME4("getsockname4", 31, true),
  GETSOCKNAME6("getsockname6", 32, true),
  GETSOCKOPT("getsockopt", 21, true),
  SK_LOOKUP("sk_lookup", 36, false);

  private final String objectName;
  private final int attachType;
  private final boolean attachedToCgroup;

  InterceptionProgram(String objectName, int attachType, boolean attachedToCgroup) {
    this.objectName = objectName;
    this.attachType = attachType;
    this.attachedToCgroup = attachedToCgroup;
  }

  /**
   * The program with this {@link #objectName}.
   *
   * @throws IllegalArgumentException for any other name, listing those there are
   */
  public static InterceptionProgram parse(String name) {
    return Arrays.stream(values())
        .filter(program -> program.objectName.equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "there is no program '"
                    + name
                    + "'; the programs are "
                    + Arrays.stream(values())
                        .map(InterceptionProgram::objectName)
                        .collect(Collectors.joining(", "))));
  }

  /** Name of the object file without ending, of the pinned link and in reports. */
  public String objectName() {
    return objectName;
  }

  /** Name of the C function. */
  public String functionName() {
    return "sluice_" + objectName;
  }

  /** Value of {@code enum bpf_attach_type}. */
  public int attachType() {
    return attachType;
  }

  /** True: attached once, at the root of cgroup2; false: once per pod, at its network namespace. */
  public boolean isAttachedToCgroup() {
    return attachedToCgroup;
  }

  /** The compiled object. */
  public byte[] object() {
    return CompiledObjects.read(objectName);
  }
}
