package io.sluice.lab.demo;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Who is in the demo: the shop of OSM's manual, bookbuyer and all. Addresses are private to the
 * demo's own network, so they may be fixed.
 */
enum DemoPod {
  /** May call the store. */
  BUYER(2),
  /** May call nobody, and tries. */
  THIEF(3),
  STORE_V1(4),
  STORE_V2(5),
  /** Serves the stores. */
  WAREHOUSE(6),
  /** Outside the mesh: a server in the namespace that holds the bridge. */
  BANK(1);

  private final int number;

  DemoPod(int number) {
    this.number = number;
  }

  /** The last part of its addresses. */
  int number() {
    return number;
  }

  /** Those that are enrolled. */
  static List<DemoPod> enrolled() {
    return Stream.of(values()).filter(DemoPod::inMesh).toList();
  }

  boolean inMesh() {
    return this != BANK;
  }

  /** Name of the Pod object. */
  String label() {
    return (inMesh() ? "book" : "") + name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** As map dumps and metrics call it. */
  String meshName() {
    return DemoPlan.MESH_NAMESPACE + "/" + label();
  }

  /** Service account, and value of the label {@code app}. */
  String app() {
    return this == STORE_V1 || this == STORE_V2 ? "bookstore" : label();
  }

  String version() {
    return this == STORE_V2 ? "v2" : "v1";
  }

  InetAddress address(IpFamily family) {
    return IpAddresses.parse(
        switch (family) {
          case IPV4 -> "10.83.0." + number;
          case IPV6 -> "fd5d:5c1e::" + number;
        });
  }
}
