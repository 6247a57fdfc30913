package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.FeatureProbe;
import io.sluice.linux.capability.KernelFeature;
import java.util.Set;

/** Program objects, adjusted to what the running kernel can do. */
public final class ProgramObjects {
  /** Constant of programs whose type may or may not ask for the namespace. */
  static final String HAS_NETNS_COOKIE = "has_netns_cookie";

  /** Constant of sock_create and connect: whether skb_egress and skb_ingress need to be told. */
  static final String MARKS_SOCKETS = "marks_sockets";

  private ProgramObjects() {}

  /**
   * Opens the object; the caller shares maps with it, loads and closes it. Where the verifier would
   * refuse to tell the namespace, the call in question is cut off: before Linux 5.15 of sock_ops,
   * before 6.15 of skb_egress and skb_ingress, which go by what sock_create and connect write down
   * then.
   */
  public static BpfObject open(BpfKernel kernel, InterceptionProgram program) {
    BpfObject object = kernel.open(program.object(), program.objectName());
    switch (program) {
      case SOCK_OPS -> cutOffWithout(KernelFeature.SOCK_OPS_NETNS_COOKIE, object);
      case SKB_EGRESS, SKB_INGRESS -> cutOffWithout(KernelFeature.EGRESS_NETNS_COOKIE, object);
      case SOCK_CREATE, CONNECT4, CONNECT6 -> {
        if (!has(KernelFeature.EGRESS_NETNS_COOKIE)) {
          object.variable(MARKS_SOCKETS, 1);
        }
      }
      case SENDMSG4,
          SENDMSG6,
          GETPEERNAME4,
          GETPEERNAME6,
          GETSOCKNAME4,
          GETSOCKNAME6,
          GETSOCKOPT,
          SK_LOOKUP -> {} // need no more than any kernel that loads them has
    }
    return object;
  }

  private static void cutOffWithout(KernelFeature feature, BpfObject object) {
    if (!has(feature)) {
      object.variable(HAS_NETNS_COOKIE, 0);
    }
  }

  private static boolean has(KernelFeature feature) {
    return new FeatureProbe().probe(feature).isSupported();
  }

  /** The same, unless the operator chose to do {@code without} the program. */
  static BpfObject open(
      BpfKernel kernel, InterceptionProgram program, Set<InterceptionProgram> without) {
    if (without.contains(program)) {
      throw new ProgramRefusedException(
          program, "program " + program.objectName() + " is left out by --without-program", "");
    }
    return open(kernel, program);
  }

  /** Loads the object; a refusal keeps everything that the verifier said. */
  static void load(BpfObject object, InterceptionProgram program) {
    try {
      object.load();
    } catch (LinuxException e) {
      ProgramRefusedException refused =
          new ProgramRefusedException(
              program, String.valueOf(e.getMessage()), object.verifierLog());
      refused.initCause(e);
      throw refused;
    }
  }

  /** Whether the kernel takes the program: loads it, with maps of its own, and lets it go. */
  static void requireLoads(
      InterceptionProgram program, Set<InterceptionProgram> without, SluiceMaps maps) {
    try (BpfObject object = open(maps.kernel(), program, without)) {
      maps.shareWith(object);
      load(object, program);
    }
  }
}
