package io.sluice.node.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.FeatureProbe;
import io.sluice.linux.capability.KernelFeature;

/** Program objects, adjusted to what the running kernel can do. */
public final class ProgramObjects {
  /** Constant of the sock_ops program. */
  private static final String HAS_NETNS_COOKIE = "has_netns_cookie";

  private ProgramObjects() {}

  /**
   * Opens the object; the caller shares maps with it, loads and closes it. Before Linux 5.15 the
   * verifier refuses sock_ops as it was compiled, so there the call in question is cut off.
   */
  public static BpfObject open(InterceptionProgram program) {
    BpfObject object = BpfObject.open(program.object(), program.objectName());
    if (program == InterceptionProgram.SOCK_OPS
        && !new FeatureProbe().probe(KernelFeature.SOCK_OPS_NETNS_COOKIE).isSupported()) {
      object.variable(HAS_NETNS_COOKIE, 0);
    }
    return object;
  }
}
