package io.sluice.node.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.FeatureProbe;
import io.sluice.linux.capability.KernelFeature;
import io.sluice.node.maps.SluiceMaps;
import java.util.Set;

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

  /** The same, unless the operator chose to do {@code without} the program. */
  static BpfObject open(InterceptionProgram program, Set<InterceptionProgram> without) {
    if (without.contains(program)) {
      throw new ProgramRefusedException(
          program, "program " + program.objectName() + " is left out by --without-program", "");
    }
    return open(program);
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
    try (BpfObject object = open(program, without)) {
      maps.shareWith(object);
      load(object, program);
    }
  }
}
