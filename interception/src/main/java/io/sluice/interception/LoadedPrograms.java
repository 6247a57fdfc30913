package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.BpfFs;
import io.sluice.linux.bpf.BpfKernel;
import java.util.HashMap;
import java.util.Map;

/**
 * The maps of a node and the programs on them, loaded and not in force: what takes most of a
 * start's time, and may be done while another daemon of the node still serves. For one thread.
 */
public final class LoadedPrograms implements AutoCloseable {
  private final String nodeName;
  private final EbpfShape shape;
  private final SluiceMaps maps;
  private final CgroupHooks.Loaded hooks;
  private final Map<Long, PodSteering> steering = new HashMap<>();

  private LoadedPrograms(
      String nodeName, EbpfShape shape, SluiceMaps maps, CgroupHooks.Loaded hooks) {
    this.nodeName = nodeName;
    this.shape = shape;
    this.maps = maps;
    this.hooks = hooks;
  }

  /**
   * Adopts the node's maps, or makes them, and loads what all pods share.
   *
   * @param nodeName names the pins
   * @param shape which directions, and which programs must do
   * @throws ProgramRefusedException when a program is left out or the kernel does not take it
   */
  public static LoadedPrograms load(String nodeName, EbpfShape shape) {
    BpfFs.ensureMounted(PinDirectory.BPF_FILE_SYSTEM);
    return load(BpfKernel.LINUX, PinDirectory.ofNode(nodeName), nodeName, shape);
  }

  static LoadedPrograms load(
      BpfKernel kernel, PinDirectory pins, String nodeName, EbpfShape shape) {
    SluiceMaps maps = SluiceMaps.openOrCreate(kernel, pins);
    try {
      if (shape.steers()) {
        // Loaded pod by pod; a kernel that refuses it is to be known before any pod relies on it.
        ProgramObjects.requireLoads(InterceptionProgram.SK_LOOKUP, shape.without(), maps);
      }
      return new LoadedPrograms(nodeName, shape, maps, CgroupHooks.load(maps, shape.without()));
    } catch (RuntimeException e) {
      maps.close();
      throw e;
    }
  }

  /** Loads the steering of every pod that another daemon has in force. */
  public void loadPodsAhead() {
    if (shape.steers()) {
      for (long cookie : maps.pins().podCookies()) {
        PodSteering.ahead(maps, cookie, shape.without())
            .ifPresent(ready -> steering.put(cookie, ready));
      }
    }
  }

  /** The pod's steering, not attached yet; the caller's. */
  PodSteering steering(long cookie) {
    PodSteering ready = steering.remove(cookie);
    if (ready != null) {
      if (ready.isOnPinnedMaps()) {
        return ready;
      }
      ready.close(); // released and enrolled again meanwhile
    }
    return PodSteering.prepare(maps, cookie, shape.without());
  }

  /** Lets go of what was loaded ahead for a pod that does not come any more. */
  void forget(long cookie) {
    PodSteering ready = steering.remove(cookie);
    if (ready != null) {
      ready.close();
    }
  }

  /** Names the pins. */
  String nodeName() {
    return nodeName;
  }

  /** Which directions, and which programs must do. */
  public EbpfShape shape() {
    return shape;
  }

  /** Whether this node has the pod with that cookie in force, or another one of the machine. */
  public boolean isHeld(long netnsCookie) {
    return maps.pods().lookup(new PodKey(netnsCookie)).isPresent()
        || maps.pins().isHeldByAnother(netnsCookie);
  }

  SluiceMaps maps() {
    return maps;
  }

  CgroupHooks.Loaded hooks() {
    return hooks;
  }

  /** Lets go of descriptors; what is pinned stays in force. */
  @Override
  public void close() {
    steering.values().forEach(PodSteering::close); // of pods that have not come
    steering.clear();
    hooks.close();
    maps.close();
  }
}
