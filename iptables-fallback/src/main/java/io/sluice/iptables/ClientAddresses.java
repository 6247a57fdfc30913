package io.sluice.iptables;

import io.sluice.iptables.IptablesBackend.SideBySide;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.ShortProgram;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.TrafficMark;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a pod needs so that its application sees the true client: the proxy connects from inside, by
 * a socket that is bound to the client's address (IP_TRANSPARENT, ip(7)) and marked. The accepted
 * socket takes the mark over, and so does the reset of a port that nobody serves; what bears it is
 * led back inside, and is not tracked, since the client's own connection may have the same ends. An
 * application may turn an accepted socket into one that connects, and bind it to a device: what
 * bears the mark and would leave is dropped.
 *
 * <p>Outlives the process. Starts programs, some milliseconds each; on a platform thread.
 */
public final class ClientAddresses {
  /** Nobody else's, so that what is left of a daemon can be recognised. */
  public static final String TABLE = "sluice_client";

  /** Number of the table of routes, and preference of the rule that leads there. */
  public static final int ROUTES = TrafficMark.VALUE;

  private static final String MARK = "0x" + Integer.toHexString(TrafficMark.PRESENTING);
  private static final String PLACE = String.valueOf(ROUTES);

  /** What {@code ip} says of the first line that it was given. */
  private static final String FIRST_FAILED = "Command failed -:1";

  private static final Path SETTINGS = Path.of("/proc/sys/net");

  /** Containers have their own for reading only. */
  private static final Path NODES_SETTINGS = Path.of("/proc/1/root").resolve("proc/sys/net");

  private static final List<String> LIST = List.of("nft", "list", "table", "inet", TABLE);
  private static final String REMOVE =
      "add table inet %1$s\ndelete table inet %1$s\n".formatted(TABLE);

  static final String ADD =
      """
      table inet %s {
        chain leaving {
          type filter hook output priority -300; policy accept;
          oifname != "lo" meta mark %s drop
          meta mark %s notrack
        }
        chain arriving {
          type filter hook prerouting priority -300; policy accept;
          iifname "lo" meta mark %s notrack
        }
      """
          .formatted(TABLE, MARK, MARK, MARK);

  private ClientAddresses() {}

  /**
   * Makes it possible from now on, or renews it, where the {@linkplain #raise table} stands.
   *
   * @param families that the pod has
   * @throws RedirectionException when a program is missing or the kernel refuses
   */
  public static void lead(
      NetworkNamespaces namespaces, NetnsHandle namespace, Set<Family> families) {
    SideBySide.run(
        families.stream().<Supplier<Family>>map(each -> () -> lead(namespace, each)).toList());
    set(namespaces, namespace, families, "1");
  }

  private static Family lead(NetnsHandle namespace, Family family) {
    ShortProgram.End led =
        ip(namespace, family, "route replace local default dev lo table " + PLACE, rule("add"));
    boolean ruleWasThere =
        led.errors().contains("File exists") && !led.errors().contains(FIRST_FAILED);
    if (!led.isSuccess() && !ruleWasThere) {
      throw failure("ip", led);
    }
    return family;
  }

  /**
   * Makes the table, by which the rest is found later, or renews it. What a pod takes of datagrams
   * is asked from then on, whether its application sees the true client or not.
   *
   * @throws RedirectionException when a program is missing or the kernel refuses; then the table is
   *     as it was
   */
  public static void raise(NetnsHandle namespace, ArrivingDatagrams datagrams) {
    String mark = "  chain %s { }\n".formatted(datagrams.mark());
    run(namespace, List.of("nft", "-f", "-"), REMOVE + ADD + datagrams.render() + mark + "}\n");
  }

  /**
   * Takes it away without a trace; does nothing where there is none. Connections that rest on it
   * break.
   */
  public static void lower(NetworkNamespaces namespaces, NetnsHandle namespace) {
    if (!NamespaceCommand.run(namespace, LIST, "").isSuccess()) {
      return;
    }
    for (Family family : Family.values()) {
      ip(namespace, family, rule("del"), "route flush table " + PLACE); // either may be gone
    }
    set(namespaces, namespace, Set.of(Family.values()), "0");
    run(namespace, List.of("nft", "-f", "-"), REMOVE); // last: what fails before is found again
  }

  private static String rule(String action) {
    return "rule %s fwmark %s lookup %s pref %s".formatted(action, MARK, PLACE, PLACE);
  }

  private static ShortProgram.End ip(NetnsHandle namespace, Family family, String... commands) {
    return NamespaceCommand.ip(namespace, List.of(family == Family.IPV4 ? "-4" : "-6"), commands);
  }

  private static void run(NetnsHandle namespace, List<String> command, String input) {
    ShortProgram.End result = NamespaceCommand.run(namespace, command, input);
    if (!result.isSuccess()) {
      throw failure(command.getFirst(), result);
    }
  }

  private static RedirectionException failure(String program, ShortProgram.End result) {
    return new RedirectionException(
        program,
        "table " + TABLE + ", rule and route " + PLACE,
        result.errors().lines().findFirst().orElse("status " + result.status()),
        "the kernel needs rules by mark (IP_MULTIPLE_TABLES) and nf_tables with nft_ct");
  }

  /** Of the namespace that the thread is in, through whichever mount. */
  private static void set(
      NetworkNamespaces namespaces, NetnsHandle namespace, Set<Family> families, String value) {
    try {
      namespaces.callIn(
          namespace,
          () -> {
            try {
              write(SETTINGS, families, value);
            } catch (IOException e) {
              write(NODES_SETTINGS, families, value);
            }
            return value;
          });
    } catch (IOException e) {
      throw new RedirectionException(
          "sysctl",
          "tcp_fwmark_accept, fwmark_reflect",
          String.valueOf(e.getMessage()),
          "neither the daemon's own /proc/sys nor that of process 1 takes it");
    }
  }

  private static void write(Path settings, Set<Family> families, String value) throws IOException {
    for (Path setting : each(settings, families)) {
      if (!is(setting, value)) {
        Files.writeString(setting, value);
      }
    }
  }

  /** Whether the settings of the namespace are as {@link #raise} leaves them. */
  static boolean areSet(NetworkNamespaces namespaces, NetnsHandle namespace, Set<Family> families) {
    try {
      return namespaces.callIn(
          namespace,
          () -> {
            for (Path setting : each(SETTINGS, families)) {
              if (!is(setting, "1")) {
                return false;
              }
            }
            return true;
          });
    } catch (IOException e) {
      return false;
    }
  }

  private static List<Path> each(Path settings, Set<Family> families) {
    List<Path> each = new ArrayList<>();
    each.add(settings.resolve("ipv4/tcp_fwmark_accept")); // of both families
    for (Family family : families) {
      Path reflect =
          settings.resolve(family == Family.IPV4 ? "ipv4" : "ipv6").resolve("fwmark_reflect");
      if (family == Family.IPV4 || Files.exists(reflect)) {
        each.add(reflect);
      }
    }
    return each;
  }

  private static boolean is(Path setting, String value) throws IOException {
    return Files.readString(setting).strip().equals(value);
  }

  /**
   * Whether what {@link ClientAddresses} has raised in one namespace still stands, asked without a
   * program: the way of what bears the mark (rtnetlink(7)), the table's chains, the settings. Keeps
   * two sockets, and with them the namespace, until closed. For one thread at a time.
   */
  public static final class ShownClients implements AutoCloseable {
    private static final int NETLINK_ROUTE = 0;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_GETROUTE = 26;
    private static final int RTN_LOCAL = 2;

    /** Of every message: nlmsghdr and rtmsg. */
    private static final int HEADER_BYTES = 28;

    private static final int ROUTE_TYPE = 23; // rtm_type, behind nlmsghdr
    private static final int RTA_DST = 1;
    private static final int RTA_MARK = 16;

    /** Nobody's: only what bears the mark is led inside on its way there (RFC 5737, RFC 3849). */
    private static final InetAddress NOBODY4 = IpAddresses.parse("192.0.2.1");

    private static final InetAddress NOBODY6 = IpAddresses.parse("2001:db8::1");

    private static final int NFPROTO_INET = 1;

    // linux/netfilter/nf_tables.h: NFT_OBJECT_COUNTER, NFTA_OBJ_DATA.
    private static final int COUNTER_OBJECT = 1;
    private static final int OBJECT_DATA = 4;

    private final NetworkNamespaces namespaces;
    private final NetnsHandle namespace;
    private final ByteBuffer message = NfTablesSocket.buffer();
    private final NfTablesSocket tables;
    private final int routes;

    private ShownClients(
        NetworkNamespaces namespaces, NetnsHandle namespace, NfTablesSocket tables, int routes) {
      this.namespaces = namespaces;
      this.namespace = namespace;
      this.tables = tables;
      this.routes = routes;
    }

    /**
     * Opens the questions inside {@code namespace}, which is the caller's; on a platform thread.
     */
    public static ShownClients open(NetworkNamespaces namespaces, NetnsHandle namespace) {
      NfTablesSocket tables = NfTablesSocket.open(namespaces, namespace);
      try {
        int routes =
            namespaces.callIn(
                namespace,
                () ->
                    Sockets.socket(
                        NfTablesSocket.AF_NETLINK,
                        NfTablesSocket.SOCK_RAW | Sockets.SOCK_NONBLOCK,
                        NETLINK_ROUTE));
        return new ShownClients(namespaces, namespace, tables, routes);
      } catch (LinuxException e) {
        tables.close();
        throw e;
      }
    }

    /** Whether all of it stands for these families; on a platform thread. */
    public synchronized boolean stand(Set<Family> families) {
      return families.stream().allMatch(this::leadsInside)
          && chainsStand()
          && ClientAddresses.areSet(namespaces, namespace, families);
    }

    /** Whether datagrams are asked about too, where they are to be. */
    public synchronized boolean askDatagrams(boolean wanted) {
      boolean asked =
          rules(ArrivingDatagrams.CHAIN) > 0 && rules(ArrivingDatagrams.SENDING_CHAIN) > 0;
      return asked == wanted;
    }

    /** Whether the table was raised for the same, by whichever daemon. */
    public synchronized boolean wereRaisedFor(ArrivingDatagrams datagrams) {
      return tables.chain(NFPROTO_INET, ClientAddresses.TABLE, datagrams.mark()).isPresent();
    }

    /** Datagrams of others that the pod was not sent, since the table was last raised. */
    public synchronized long refused(Family family) {
      return counted(ArrivingDatagrams.counter(ArrivingDatagrams.REFUSED, family));
    }

    /** Datagrams that the pod would have sent from an address of another pod, likewise. */
    public synchronized long forged(Family family) {
      return counted(ArrivingDatagrams.counter(ArrivingDatagrams.FORGED, family));
    }

    private long counted(String name) {
      return tables
          .object(NFPROTO_INET, ClientAddresses.TABLE, name, COUNTER_OBJECT)
          .flatMap(told -> NfTablesSocket.attribute(told, OBJECT_DATA))
          .flatMap(NfTablesSocket::packets)
          .orElse(0L);
    }

    private boolean leadsInside(Family family) {
      byte[] nobody = (family == Family.IPV4 ? NOBODY4 : NOBODY6).getAddress();
      message
          .clear()
          .putInt(0)
          .putShort((short) RTM_GETROUTE)
          .putShort((short) NfTablesSocket.NLM_F_REQUEST)
          .putInt(1)
          .putInt(0)
          .put((byte) family.domain())
          .put((byte) (nobody.length * Byte.SIZE))
          .put(new byte[HEADER_BYTES - 18]);
      NfTablesSocket.put(message, RTA_DST, nobody);
      NfTablesSocket.put(
          message,
          RTA_MARK,
          ByteBuffer.allocate(Integer.BYTES)
              .order(ByteOrder.nativeOrder())
              .putInt(TrafficMark.PRESENTING)
              .array());
      message.putInt(0, message.position());
      Sockets.write(routes, message.flip());
      int got = Sockets.read(routes, message.clear());
      message.flip();
      return got >= HEADER_BYTES
          && message.getShort(4) == RTM_NEWROUTE
          && message.get(ROUTE_TYPE) == RTN_LOCAL;
    }

    private boolean chainsStand() {
      return tables.isAwake(NFPROTO_INET, ClientAddresses.TABLE)
          && rules("leaving") == 2
          && rules("arriving") == 1;
    }

    private int rules(String chain) {
      return tables.rulesAtHook(NFPROTO_INET, ClientAddresses.TABLE, chain).orElse(0);
    }

    @Override
    public synchronized void close() {
      Sockets.close(routes);
      tables.close();
    }
  }
}
