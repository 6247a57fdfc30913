package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PodSelfValue;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.AttachType;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.bpf.BpfProgramFd;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Inbound steering of one pod: its own instance of the sk_lookup program, the map that tells it
 * whom it serves, and the map with its listeners. All three are pinned: when the daemon dies the
 * kernel empties the listeners, the program stays, and new connections are refused.
 */
final class PodSteering implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PodSteering.class.getName());
  private static final String SELF_MAP = "pod_self";
  private static final String LISTENERS_MAP = "listeners";
  private static final String LINK = "link";

  private final BpfKernel kernel;
  private final Path directory;
  private final BpfProgramFd program;
  private final int selfMapId;
  private final BpfMapFd listenersMap;
  private final Map<Integer, Long> listenerCookies = new ConcurrentHashMap<>();
  private volatile @Nullable PinnedLink link;
  private @Nullable PodSteering predecessor;

  private PodSteering(
      BpfKernel kernel,
      Path directory,
      BpfProgramFd program,
      int selfMapId,
      BpfMapFd listenersMap) {
    this.kernel = kernel;
    this.directory = directory;
    this.program = program;
    this.selfMapId = selfMapId;
    this.listenersMap = listenersMap;
  }

  /** Loads the pod's instance, onto the maps that an earlier daemon left if there are any. */
  static PodSteering prepare(SluiceMaps maps, long cookie, Set<InterceptionProgram> without) {
    Path directory = maps.pins().pod(cookie);
    try (BpfObject object = loaded(maps, directory, without)) {
      Files.createDirectories(directory);
      int selfId;
      try (BpfMapFd self = pinned(object, SELF_MAP, directory)) {
        new BpfMap<>(self, SluiceMaps.KEY_ZERO, PodSelfValue.CODEC)
            .put(0, new PodSelfValue(cookie));
        selfId = self.info().id();
      }
      return made(
          maps.kernel(), directory, object, selfId, pinned(object, LISTENERS_MAP, directory));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make pin directory " + directory, e);
    }
  }

  /**
   * Loads the instance of a pod that another daemon has in force, onto its maps. Nothing is written
   * or pinned. Empty when the pod has gone, or is to be loaded as any other when its turn comes.
   */
  static Optional<PodSteering> ahead(
      SluiceMaps maps, long cookie, Set<InterceptionProgram> without) {
    Path directory = maps.pins().pod(cookie);
    if (!Files.exists(directory.resolve(SELF_MAP))
        || !Files.exists(directory.resolve(LISTENERS_MAP))) {
      return Optional.empty();
    }
    try (BpfObject object = loaded(maps, directory, without);
        BpfMapFd self = object.map(SELF_MAP)) {
      return Optional.of(
          made(maps.kernel(), directory, object, self.info().id(), object.map(LISTENERS_MAP)));
    } catch (LinuxException | ProgramRefusedException e) {
      LOG.log(System.Logger.Level.DEBUG, "pod_not_loaded_ahead netns_cookie=" + cookie, e);
      return Optional.empty();
    }
  }

  /** Whether the pod's pins are still those that this was loaded onto. */
  boolean isOnPinnedMaps() {
    return isPinned(SELF_MAP, selfMapId) && isPinned(LISTENERS_MAP, listenersMap.info().id());
  }

  private boolean isPinned(String map, int id) {
    Path pin = directory.resolve(map);
    if (!Files.exists(pin)) {
      return false;
    }
    try (BpfMapFd present = kernel.openMap(pin)) {
      return present.info().id() == id;
    } catch (LinuxException e) {
      return false; // it has gone just now
    }
  }

  private static BpfObject loaded(
      SluiceMaps maps, Path directory, Set<InterceptionProgram> without) {
    BpfObject object = ProgramObjects.open(maps.kernel(), InterceptionProgram.SK_LOOKUP, without);
    try {
      maps.shareWith(object);
      adopt(maps.kernel(), object, SELF_MAP, directory);
      adopt(maps.kernel(), object, LISTENERS_MAP, directory);
      ProgramObjects.load(object, InterceptionProgram.SK_LOOKUP);
      return object;
    } catch (RuntimeException e) {
      object.close();
      throw e;
    }
  }

  /** Takes the map's descriptor. */
  private static PodSteering made(
      BpfKernel kernel, Path directory, BpfObject object, int selfMapId, BpfMapFd listeners) {
    try {
      BpfProgramFd program = object.program(InterceptionProgram.SK_LOOKUP.functionName());
      return new PodSteering(kernel, directory, program, selfMapId, listeners);
    } catch (RuntimeException e) {
      listeners.close();
      throw e;
    }
  }

  private static void adopt(BpfKernel kernel, BpfObject object, String map, Path directory) {
    Path pin = directory.resolve(map);
    if (Files.exists(pin)) {
      try (BpfMapFd left = kernel.openMap(pin)) {
        object.reuseMap(map, left);
      }
    }
  }

  private static BpfMapFd pinned(BpfObject object, String map, Path directory) {
    BpfMapFd descriptor = object.map(map);
    try {
      Path pin = directory.resolve(map);
      if (!Files.exists(pin)) {
        descriptor.pin(pin);
      }
      return descriptor;
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /** Steers to {@code listener} from now on; the one before it is no longer given connections. */
  void put(ListenerFd listener) {
    InetAddress local = Sockets.localAddress(listener.fd()).getAddress();
    int slot = slot(listener.direction(), Family.of(local));
    SocketMap slots = new SocketMap(listenersMap);
    long cookie = Sockets.socketCookie(listener.fd());
    OptionalLong present = slots.cookie(slot);
    // One that was handed over is there already, and the kernel would lose sight of it if it were
    // put over itself: the slot would no longer empty itself with the socket.
    if (present.isEmpty() || present.getAsLong() != cookie) {
      slots.put(slot, listener.fd());
    }
    listenerCookies.put(slot, cookie);
  }

  /** What is wrong with the steering of an attached pod, if anything is. */
  Optional<String> problem(NetnsHandle netns) {
    PinnedLink attached = link;
    if (attached == null) {
      return Optional.of("its steering program was never attached");
    }
    Optional<String> broken = attached.problem();
    if (broken.isPresent()) {
      return Optional.of("its steering program " + broken.get());
    }
    SocketMap slots = new SocketMap(listenersMap);
    for (Map.Entry<Integer, Long> expected : listenerCookies.entrySet()) {
      OptionalLong present = slots.cookie(expected.getKey());
      if (present.isEmpty() || present.getAsLong() != expected.getValue()) {
        return Optional.of("listener slot " + expected.getKey() + " does not hold our listener");
      }
    }
    int programs = kernel.attachedToNetns(netns, AttachType.SK_LOOKUP).size();
    return programs == 1
        ? Optional.empty()
        : Optional.of(programs + " steering programs are attached where one should be");
  }

  /**
   * Keeps what steered until now in force until this one is; it is closed with this one. One that
   * was never attached is closed now, and what it was to succeed takes its part.
   */
  void succeed(PodSteering before) {
    if (before.link == null) {
      predecessor = before.predecessor;
      before.predecessor = null;
      before.close();
    } else {
      predecessor = before;
    }
  }

  /** Puts the program in force in the pod's namespace, replacing an earlier daemon's. */
  void attach(NetnsHandle netns) {
    Path pin = directory.resolve(LINK);
    link =
        PinnedLink.adoptOrAttach(
            kernel,
            pin,
            program,
            () -> kernel.attachToNetns(program, netns, InterceptionProgram.SK_LOOKUP.attachType()));
    program.close();
    closePredecessor();
  }

  private void closePredecessor() {
    PodSteering before = predecessor;
    if (before != null) {
      before.close();
      predecessor = null;
    }
  }

  /** Ends the steering that another daemon pinned in {@code directory}, if one did. */
  static void detach(BpfKernel kernel, Path directory) {
    Path pin = directory.resolve(LINK);
    if (Files.exists(pin)) {
      FormerPrograms.detach(kernel, pin);
    }
  }

  static int slot(Direction direction, Family family) {
    return direction.code() * 2 + (family == Family.IPV6 ? 1 : 0);
  }

  /** Closes the descriptors; the pins keep the program in force. */
  @Override
  public void close() {
    closePredecessor();
    PinnedLink attached = link;
    if (attached != null) {
      attached.close();
    } else {
      program.close();
    }
    listenersMap.close();
  }
}
