package io.sluice.node.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.bpf.BpfProgramFd;
import io.sluice.node.maps.PinDirectory;
import io.sluice.node.maps.SluiceMaps;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The hooks at the root of cgroup2: one pinned link per program. A program that is attached already
 * is replaced atomically, so that there is no moment without a hook.
 */
final class CgroupHooks implements AutoCloseable {
  private final Map<InterceptionProgram, PinnedLink> links;

  private CgroupHooks(Map<InterceptionProgram, PinnedLink> links) {
    this.links = links;
  }

  /** Loads every cgroup program and puts it in force below {@code cgroupRoot}. */
  static CgroupHooks attach(SluiceMaps maps, Path cgroupRoot, Set<InterceptionProgram> without) {
    Map<InterceptionProgram, PinnedLink> links = new EnumMap<>(InterceptionProgram.class);
    List<BpfObject> objects = new ArrayList<>();
    try {
      Map<InterceptionProgram, BpfObject> loaded = new EnumMap<>(InterceptionProgram.class);
      for (InterceptionProgram program : InterceptionProgram.values()) {
        if (program.isAttachedToCgroup()) {
          BpfObject object = ProgramObjects.open(program, without);
          objects.add(object);
          maps.shareWith(object);
          ProgramObjects.load(object, program);
          loaded.put(program, object);
        }
      }
      // Attached only when all are loaded: half of the hooks would be worse than none.
      loaded.forEach(
          (program, object) -> links.put(program, link(program, object, maps.pins(), cgroupRoot)));
      return new CgroupHooks(links);
    } catch (RuntimeException e) {
      links.values().forEach(PinnedLink::close);
      throw e;
    } finally {
      objects.forEach(BpfObject::close);
    }
  }

  private static PinnedLink link(
      InterceptionProgram program, BpfObject object, PinDirectory pins, Path cgroupRoot) {
    try (BpfProgramFd function = object.program(program.functionName())) {
      return PinnedLink.adoptOrAttach(
          pins.link(program.objectName()),
          function,
          () -> BpfLink.attachCgroup(function, cgroupRoot, program.attachType()));
    }
  }

  /** What is wrong with the first hook that is not as it was attached, if any. */
  Optional<String> problem() {
    for (Map.Entry<InterceptionProgram, PinnedLink> entry : links.entrySet()) {
      Optional<String> problem = entry.getValue().problem();
      if (problem.isPresent()) {
        return Optional.of("the hook " + entry.getKey().objectName() + " " + problem.get());
      }
    }
    return Optional.empty();
  }

  /** Closes the descriptors; the pins keep the hooks in force. */
  @Override
  public void close() {
    links.values().forEach(PinnedLink::close);
  }
}
