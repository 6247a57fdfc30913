package io.sluice.interception.maps;

import io.sluice.bpf.CompiledObjects;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.linux.bpf.PerCpuBpfMap;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.linux.bpf.SocketStorage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The shared maps of one node, typed. They are pinned: whoever opens them next, after a crash too,
 * finds the entries that were there. Safe for use from any thread; the kernel orders updates.
 */
public final class SluiceMaps implements AutoCloseable {
  /** Codec of cgroup ids. */
  static final MapCodec<Long> KEY_CGROUP = MapCodec.u64();

  /** Codec of the one key of maps that have a single entry. */
  public static final MapCodec<Integer> KEY_ZERO = MapCodec.u32();

  /** Index in {@link #losses} of events that found the ring full; {@code LOSS_EVENT}. */
  public static final int LOST_EVENTS = 0;

  /** Index in {@link #losses} of verdicts that found the counters full; {@code LOSS_COUNTER}. */
  public static final int LOST_COUNTERS = 1;

  private final BpfKernel kernel;
  private final PinDirectory pins;
  private final Map<String, BpfMapFd> descriptors;

  private SluiceMaps(BpfKernel kernel, PinDirectory pins, Map<String, BpfMapFd> descriptors) {
    this.kernel = kernel;
    this.pins = pins;
    this.descriptors = descriptors;
  }

  /** Adopts the maps that are pinned and makes and pins those that are not. */
  public static SluiceMaps openOrCreate(BpfKernel kernel, PinDirectory pins) {
    pins.create();
    Map<String, BpfMapFd> descriptors = new LinkedHashMap<>();
    try (BpfObject object = kernel.open(CompiledObjects.read(CompiledObjects.MAPS), "maps")) {
      for (String name : object.mapNames()) {
        Path pin = pins.map(name);
        if (Files.exists(pin)) {
          BpfMapFd pinned = kernel.openMap(pin);
          descriptors.put(name, pinned);
          object.reuseMap(name, pinned);
        }
      }
      object.load();
      for (String name : object.mapNames()) {
        if (!descriptors.containsKey(name)) {
          BpfMapFd created = object.map(name);
          descriptors.put(name, created);
          created.pin(pins.map(name));
        }
      }
      return new SluiceMaps(kernel, pins, descriptors);
    } catch (RuntimeException e) {
      descriptors.values().forEach(BpfMapFd::close);
      throw e;
    }
  }

  /** Whose maps these are. */
  public BpfKernel kernel() {
    return kernel;
  }

  /** Where these maps are pinned. */
  public PinDirectory pins() {
    return pins;
  }

  /** Lets {@code object} use these maps instead of making its own; call before it is loaded. */
  public void shareWith(BpfObject object) {
    for (String name : object.mapNames()) {
      BpfMapFd shared = descriptors.get(name);
      if (shared != null) {
        object.reuseMap(name, shared);
      }
    }
  }

  /** Settings of all programs; one entry, key 0. */
  public BpfMap<Integer, ConfigValue> config() {
    return map("config", MapCodec.u32(), ConfigValue.CODEC);
  }

  /** Whose pins these are; one entry, key 0. */
  public BpfMap<Integer, InstallationValue> installation() {
    return map("installation", MapCodec.u32(), InstallationValue.CODEC);
  }

  /** Enrolled pods: presence switches the outbound hooks on. */
  public BpfMap<PodKey, PodValue> pods() {
    return map("pods", PodKey.CODEC, PodValue.CODEC);
  }

  /** How many enrolled pods a node takes; {@code SLUICE_MAX_PODS}. */
  public int mostPods() {
    return descriptor("pod_names").info().maxEntries();
  }

  /** Names of pods, for people. */
  public BpfMap<PodKey, PodNameValue> podNames() {
    return map("pod_names", PodKey.CODEC, PodNameValue.CODEC);
  }

  /** Addresses of each pod, by {@code enum pod_address_kind}. */
  public BpfMap<PodAddressKey, Integer> podAddresses() {
    return map("pod_addresses", PodAddressKey.CODEC, MapCodec.u32());
  }

  /** Destination ranges, by {@code enum rule_action}. */
  public BpfMap<RangeRuleKey, Integer> rangeRules() {
    return map("range_rules", RangeRuleKey.CODEC, MapCodec.u32());
  }

  /** Excluded ports. */
  public BpfMap<PortRuleKey, Integer> portRules() {
    return map("port_rules", PortRuleKey.CODEC, MapCodec.u32());
  }

  /** Inbound ports that sockets of the node itself may call. */
  public BpfMap<PortRuleKey, Integer> probePorts() {
    return map("probe_ports", PortRuleKey.CODEC, MapCodec.u32());
  }

  /** Excluded interfaces. */
  public BpfMap<InterfaceRuleKey, Integer> interfaceRules() {
    return map("interface_rules", InterfaceRuleKey.CODEC, MapCodec.u32());
  }

  /** Which pod of this node has an address. */
  public BpfMap<AddressKey, PodKey> podByAddress() {
    return map("pod_by_address", AddressKey.CODEC, PodKey.CODEC);
  }

  /** How many connections each pod is opening; an entry allows it to open any. */
  public BpfMap<PodKey, PodConnectionsValue> podConnections() {
    return map("pod_connections", PodKey.CODEC, PodConnectionsValue.CODEC);
  }

  /** Connections that the node itself opens to pods. */
  public BpfMap<ConnectionKey, ConnectionValue> nodeConnections() {
    return map("node_connections", ConnectionKey.CODEC, ConnectionValue.CODEC);
  }

  /** What pods may call without the proxy. */
  public BpfMap<GrantKey, GrantValue> fastPath() {
    return map("fast_path", GrantKey.CODEC, GrantValue.CODEC);
  }

  /** Connections that the kernel leads so, by their tuple in the pod called. */
  public BpfMap<ConnectionKey, FastConnectionValue> fastConnections() {
    return map("fast_connections", ConnectionKey.CODEC, FastConnectionValue.CODEC);
  }

  /** What is counted of those that are closed. */
  public BpfMap<FastCounterKey, FastCountsValue> fastCounters() {
    return map("fast_counters", FastCounterKey.CODEC, FastCountsValue.CODEC);
  }

  /** How much of it metrics have told. */
  public BpfMap<FastCounterKey, FastCountsValue> fastTold() {
    return map("fast_told", FastCounterKey.CODEC, FastCountsValue.CODEC);
  }

  /** The ring of those that are over. */
  public BpfMapFd fastRecords() {
    return descriptor("fast_records");
  }

  /** Whose the addresses of the mesh are, for datagrams. */
  public BpfMap<AddressKey, DatagramPeerValue> datagramPeers() {
    return map("datagram_peers", AddressKey.CODEC, DatagramPeerValue.CODEC);
  }

  /** Datagrams that are granted, with what has gone by each grant. */
  public BpfMap<DatagramRuleKey, DatagramCountsValue> datagramRules() {
    return map("datagram_rules", DatagramRuleKey.CODEC, DatagramCountsValue.CODEC);
  }

  /** Cgroups whose sockets are the proxy's, with a process id for people. */
  public BpfMap<Long, Integer> proxyCgroups() {
    return map("proxy_cgroups", MapCodec.u64(), MapCodec.u32());
  }

  /** Verdict counters, summed over CPUs. */
  public PerCpuBpfMap<CounterKey> verdictCounters() {
    return new PerCpuBpfMap<>(descriptor("verdict_counters"), CounterKey.CODEC);
  }

  /** What could not be recorded, by {@link #LOST_EVENTS} and {@link #LOST_COUNTERS}. */
  public PerCpuBpfMap<Integer> losses() {
    return new PerCpuBpfMap<>(descriptor("losses"), MapCodec.u32());
  }

  /** Holds a listening socket of the living daemon in slot 0. */
  public SocketMap liveness() {
    return new SocketMap(descriptor("liveness"));
  }

  /** What is known of single sockets. */
  public SocketStorage<SocketStateValue> sockets() {
    return new SocketStorage<>(descriptor("sockets"), SocketStateValue.CODEC);
  }

  /** The ring of events. */
  public BpfMapFd events() {
    return descriptor("events");
  }

  private <K, V> BpfMap<K, V> map(String name, MapCodec<K> key, MapCodec<V> value) {
    return new BpfMap<>(descriptor(name), key, value);
  }

  private BpfMapFd descriptor(String name) {
    BpfMapFd descriptor = descriptors.get(name);
    if (descriptor == null) {
      throw new IllegalStateException("the program objects of this build hold no map " + name);
    }
    return descriptor;
  }

  @Override
  public void close() {
    descriptors.values().forEach(BpfMapFd::close);
  }
}
