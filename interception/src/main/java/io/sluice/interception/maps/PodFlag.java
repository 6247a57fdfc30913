package io.sluice.interception.maps;

import java.util.EnumSet;
import java.util.Set;

/** Bits of {@code struct pod.flags}; mirrors {@code enum pod_flag}. */
public enum PodFlag {
  /** Datagrams and other protocols are left alone. */
  PERMISSIVE(0x1),
  /** Traffic is left alone while the daemon is not running. */
  FAIL_OPEN(0x2),
  /** Only included ranges are redirected. */
  HAS_INCLUSIONS(0x4),
  /** New traffic is left alone. */
  LEAVING(0x8),
  /** No echo request may be sent. */
  PING_REFUSED(0x10),
  /** Any echo request may be sent. */
  PING_ALLOWED(0x20),
  /** Ranges of its rules are isolated. */
  HAS_ISOLATED(0x40),
  /** The range for redirected IPv6 connections is loopback inside. */
  SPREAD_IPV6(0x80);

  private final int bit;

  PodFlag(int bit) {
    this.bit = bit;
  }

  /** The bit. */
  public int bit() {
    return bit;
  }

  /** All bits of {@code flags}. */
  public static int bits(Set<PodFlag> flags) {
    return flags.stream().mapToInt(PodFlag::bit).sum();
  }

  /** The flags whose bits are set. */
  public static Set<PodFlag> of(int bits) {
    Set<PodFlag> flags = EnumSet.noneOf(PodFlag.class);
    for (PodFlag flag : values()) {
      if ((bits & flag.bit()) != 0) {
        flags.add(flag);
      }
    }
    return flags;
  }
}
