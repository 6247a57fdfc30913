package io.sluice.linux.capability;

/**
 * What Sluice uses of the kernel beyond plain sockets. The version is the first of mainline, for
 * messages only: distributions backport, so {@link FeatureProbe} decides.
 */
public enum KernelFeature {
  CGROUP_CONNECT4("4.17", "redirecting IPv4 connections"),
  CGROUP_CONNECT6("4.17", "redirecting IPv6 connections"),
  CGROUP_SENDMSG4("4.18", "policy for UDP over IPv4"),
  CGROUP_SENDMSG6("4.18", "policy for UDP over IPv6"),
  CGROUP_GETSOCKOPT("5.3", "answering SO_ORIGINAL_DST"),
  CGROUP_GETPEERNAME4("5.8", "showing applications the address they dialled"),
  CGROUP_GETPEERNAME6("5.8", "showing applications the address they dialled"),
  CONNECT_SETSOCKOPT("5.8", "redirecting sockets bound to a device"),
  CONNECT_NETNS_COOKIE("5.7", "telling pods apart when they connect"),
  SOCK_OPS("4.13", "finding the destination of a redirected connection"),
  SOCK_OPS_NETNS_COOKIE("5.15", "telling pods apart in tuples"),
  EGRESS_NETNS_COOKIE("6.15", "telling pods apart by what they send"),
  SK_LOOKUP("5.9", "steering inbound connections without NAT"),
  SK_MSG("4.17", "the accelerated loopback leg"),
  BPF_LINK("5.7", "attachments that outlive the daemon and are swapped in one step"),
  SOCKMAP_LISTENERS("5.7", "slots for inbound listeners"),
  SK_STORAGE("5.2", "values attached to sockets"),
  RING_BUFFER("5.8", "events from BPF programs"),
  MAP_BATCH("5.6", "listing maps in few calls"),
  SO_NETNS_COOKIE("5.14", "learning the cookie of a namespace");

  private final String since;
  private final String purpose;

  KernelFeature(String since, String purpose) {
    this.since = since;
    this.purpose = purpose;
  }

  /** First mainline version, for messages. */
  public String since() {
    return since;
  }

  /** What is lost without it. */
  public String purpose() {
    return purpose;
  }
}
