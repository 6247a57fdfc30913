package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.bpf.BpfProgramFd;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The hooks at the root of cgroup2: one pinned link per program. A program that is attached already
 * is replaced atomically, so that there is no moment without a hook.
 */
final class CgroupHooks implements AutoCloseable {
  /** None of them. */
  static final CgroupHooks NONE = new CgroupHooks(Map.of());

  private final Map<InterceptionProgram, PinnedLink> links;
  private final AtomicInteger looks = new AtomicInteger();

  private CgroupHooks(Map<InterceptionProgram, PinnedLink> links) {
    this.links = links;
  }

  /** Every cgroup program, loaded and attached to nothing. */
  record Loaded(Map<InterceptionProgram, BpfProgramFd> programs) implements AutoCloseable {
    @Override
    public void close() {
      programs.values().forEach(BpfProgramFd::close);
    }
  }

  /** Loads every cgroup program; changes nothing that is in force. */
  static Loaded load(SluiceMaps maps, Set<InterceptionProgram> without) {
    Map<InterceptionProgram, BpfProgramFd> programs = new EnumMap<>(InterceptionProgram.class);
    try {
      for (InterceptionProgram program : InterceptionProgram.values()) {
        if (program.isAttachedToCgroup()) {
          try (BpfObject object = ProgramObjects.open(maps.kernel(), program, without)) {
            maps.shareWith(object);
            ProgramObjects.load(object, program);
            programs.put(program, object.program(program.functionName()));
          }
        }
      }
      return new Loaded(programs);
    } catch (RuntimeException e) {
      programs.values().forEach(BpfProgramFd::close);
      throw e;
    }
  }

  /**
   * Puts them in force at the root of cgroup2. They come loaded, all of them: half of the hooks
   * would be worse than none.
   */
  static CgroupHooks attach(Loaded loaded, SluiceMaps maps) {
    Map<InterceptionProgram, PinnedLink> links = new EnumMap<>(InterceptionProgram.class);
    try {
      loaded
          .programs()
          .forEach((program, function) ->
              links.put(
                  program,
                  PinnedLink.adoptOrAttach(
                      maps.kernel(),
                      maps.pins().link(program.objectName()),
                      function,
                      () -> maps.kernel().attachToRootCgroup(function, program.attachType()))));
      return new CgroupHooks(links);
    } catch (RuntimeException e) {
      links.values().forEach(PinnedLink::close);
      throw e;
    }
  }

  /**
   * What is wrong with the first hook that is not as it was attached, if any. One of the pins is
   * looked at with each call: without it a hook is in force still, and only ends with the daemon.
   */
  Optional<String> problem() {
    int inTurn = links.isEmpty() ? 0 : Math.floorMod(looks.getAndIncrement(), links.size());
    int place = 0;
    for (Map.Entry<InterceptionProgram, PinnedLink> entry : links.entrySet()) {
      PinnedLink link = entry.getValue();
      Optional<String> problem = place++ == inTurn ? link.problem() : link.problemInForce();
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
