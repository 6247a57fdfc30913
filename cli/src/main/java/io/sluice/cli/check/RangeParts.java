package io.sluice.cli.check;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a range of callers outside the mesh that policy tells apart. They begin where
 * sources of IngressBackends and AccessControls begin and after they end; parts that are sources of
 * the same ones are one.
 */
record RangeParts(MeshSnapshot snapshot, List<Ingress> ingresses, Cidr range) {
  /**
   * An address of each part, by what is in {@code namespace}. None is an enrolled workload's, which
   * is decided by who it is; but where all of them are, the first one.
   */
  static List<InetAddress> of(MeshSnapshot snapshot, String namespace, Cidr range) {
    List<Ingress> ingresses =
        snapshot.all(Kind.INGRESS).stream()
            .filter(one -> one.name().namespace().equals(namespace))
            .toList();
    return new RangeParts(snapshot, ingresses, range).addresses();
  }

  private List<InetAddress> addresses() {
    NavigableSet<InetAddress> begins =
        new TreeSet<>(Comparator.comparing(InetAddress::getAddress, Arrays::compareUnsigned));
    begins.add(range.network());
    ingresses.stream()
        .flatMap(one -> one.sources().stream())
        .flatMap(source -> Stream.of(source.network(), after(source)))
        .filter(range::contains)
        .forEach(begins::add);
    Map<Set<Object>, InetAddress> parts = new LinkedHashMap<>();
    for (InetAddress begin : begins) {
      Set<Object> told = new HashSet<>(); // by what
      for (Ingress one : ingresses) {
        if (one.sources().stream().anyMatch(source -> source.contains(begin))) {
          told.add(List.of(one.origin(), one.name()));
        }
      }
      caller(begin, begins.higher(begin)).ifPresent(caller -> parts.putIfAbsent(told, caller));
    }
    return parts.isEmpty() ? List.of(range.network()) : List.copyOf(parts.values());
  }

  /** The first from {@code begin} on, and before {@code endOrNull}, that is no workload's. */
  private Optional<InetAddress> caller(InetAddress begin, @Nullable InetAddress endOrNull) {
    InetAddress caller = begin;
    while (isWorkloads(caller)) {
      caller = after(Cidr.of(caller));
      if (caller.equals(endOrNull) || !range.contains(caller)) {
        return Optional.empty();
      }
    }
    return Optional.of(caller);
  }

  private boolean isWorkloads(InetAddress address) {
    return snapshot.workloadAt(address).filter(Workload::enrolled).isPresent();
  }

  /** The address after the last one of a range; after the last of all, the first. */
  private static InetAddress after(Cidr range) {
    byte[] bytes = range.network().getAddress();
    for (int bit = range.prefixLength() - 1; bit >= 0; bit--) {
      int one = 0x80 >> (bit % 8);
      bytes[bit / 8] ^= (byte) one;
      if ((bytes[bit / 8] & one) != 0) {
        break; // nothing to carry
      }
    }
    return IpAddresses.of(bytes);
  }
}
