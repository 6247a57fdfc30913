package io.sluice.interception;

import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.EventValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.bpf.RingBuffer;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One way of getting pods' traffic into the proxy. What it puts in force outlives the process: it
 * is taken away only by {@link #release}.
 *
 * <p>Any thread may ask what it is, for facts, names, counts and events, and for the fast path;
 * everything else is for one thread at a time.
 */
public interface Interception extends AutoCloseable {
  /** Which way this is. */
  Mechanism mechanism();

  /**
   * Names all by which accepted connections and the proxy's own are understood: daemons of one node
   * that say the same may accept what the other's interception sends.
   */
  default String understanding() {
    return mechanism().label() + ", maps " + PinDirectory.SCHEMA_VERSION;
  }

  /**
   * Puts in force what all pods share; once, before the first pod. Until then nothing of a daemon
   * that runs beside this one is touched.
   */
  default void begin() {}

  /** How it explains and prepares single sockets. */
  SocketFacts sockets();

  /** What the kernel leads by itself; empty where it cannot. */
  default Optional<FastPathTable> fastPath() {
    return Optional.empty();
  }

  /**
   * Lets all pods know whose the addresses of the mesh are, before pods are brought to what
   * UDPRoutes grant them.
   *
   * @param complete whether these are all; else who is known already stays known
   * @return how many are left out for want of room
   */
  default int knowPeers(Map<InetAddress, DatagramPeerValue> peers, boolean complete) {
    return 0;
  }

  /**
   * Cookies of pods in which this daemon or an earlier one has left anything: it may have died, or
   * failed, before they were in force.
   */
  List<Long> leftBehind();

  /** Whether the pod with this cookie is in force, or was until its daemon died. */
  boolean wasInForce(long cookie);

  /** Name of the pod with this cookie, as its daemon wrote it down. */
  Optional<NamespacedName> nameOf(long cookie);

  /** Opens the pod's listeners and writes its rules; the caller owns the descriptors. */
  PodListeners prepare(PodPlacement pod);

  /** Puts interception in force for a prepared pod: inbound first, then outbound. */
  void activate(PodPlacement pod);

  /** Brings the rules of an active pod to its new settings, without a gap. */
  void update(PodPlacement pod);

  /**
   * Takes back what was done for a pod that could not be enrolled. One that had been in force
   * before stays refused, since failing must not open it.
   */
  void abandon(long cookie);

  /**
   * Ends interception of a pod, whether or not its namespace still exists: new connections are left
   * alone, nothing of ours is left but what {@link #translating} needs.
   */
  void release(long cookie);

  /**
   * Cookies of pods that were released and in which the connections that they had still rest on a
   * translation or a route of ours: released once more when those have ended, a second later or
   * more, nothing is left.
   */
  default Set<Long> translating() {
    return Set.of();
  }

  /** Every verdict counter. */
  List<VerdictCount> verdicts();

  /** Datagrams that have gone by grants of UDPRoutes; none where they are not counted. */
  default List<DatagramCount> datagrams() {
    return List.of();
  }

  /** What could not be recorded since the node booted, by what it was; both are counts. */
  default Map<String, Long> losses() {
    return Map.of();
  }

  /** Reads the kernel's events until {@code ending} is told; returns at once where none exist. */
  default void readEvents(Consumer<EventValue> consumer, RingBuffer.Ending ending) {}

  /** Whether connections of that family are redirected rather than refused. */
  default boolean redirects(Sockets.Family family) {
    return true;
  }

  /** What is wrong with what all pods of the node share, if anything is. Cheap: every sweep. */
  default Optional<String> nodeProblem() {
    return Optional.empty();
  }

  /** Puts right what all pods share. What is missing refuses, or leaves it to the pods' checks. */
  default void repairNode() {}

  /** What is wrong with the interception of an active pod, if anything is; asked at each look. */
  Optional<String> problem(PodPlacement pod);

  /**
   * Puts an active pod's interception right again. Nothing is opened meanwhile: what is missing
   * refuses.
   *
   * @param serve takes new listeners where the old ones cannot be used on; they are its own then
   */
  void repair(PodPlacement pod, Consumer<PodListeners> serve);

  /** Lets go of descriptors; what is in force stays in force. */
  @Override
  void close();
}
