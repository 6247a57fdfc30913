package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.TrafficMark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

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

  private static final Path SETTINGS = Path.of("/proc/sys/net");

  /** Containers have their own for reading only. */
  private static final Path NODES_SETTINGS = Path.of("/proc/1/root").resolve("proc/sys/net");

  private static final List<String> LIST = List.of("nft", "list", "table", "inet", TABLE);
  private static final String REMOVE =
      "add table inet %1$s\ndelete table inet %1$s\n".formatted(TABLE);

  private static final String ADD =
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
      }
      """
          .formatted(TABLE, MARK, MARK, MARK);

  private ClientAddresses() {}

  /**
   * Makes it possible from now on, or renews it.
   *
   * @param families that the pod has
   * @throws RedirectionException when a program is missing or the kernel refuses
   */
  public static void raise(
      NetworkNamespaces namespaces, NetnsHandle namespace, Set<Family> families) {
    run(namespace, List.of("nft", "-f", "-"), REMOVE + ADD); // first: by it the rest is found
    for (Family family : families) {
      run(
          namespace,
          List.of(
              "ip",
              option(family),
              "route",
              "replace",
              "local",
              "default",
              "dev",
              "lo",
              "table",
              PLACE),
          "");
      NamespaceCommand.Result rule = rule(namespace, family, "add");
      if (!rule.isSuccess() && !rule.errors().contains("File exists")) {
        throw failure("ip", rule);
      }
    }
    set(namespaces, namespace, families, "1");
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
      rule(namespace, family, "del"); // fails where there is none
      NamespaceCommand.run(
          namespace, List.of("ip", option(family), "route", "flush", "table", PLACE), "");
    }
    set(namespaces, namespace, Set.of(Family.values()), "0");
    run(namespace, List.of("nft", "-f", "-"), REMOVE); // last: what fails before is found again
  }

  private static NamespaceCommand.Result rule(NetnsHandle namespace, Family family, String action) {
    return NamespaceCommand.run(
        namespace,
        List.of(
            "ip", option(family), "rule", action, "fwmark", MARK, "lookup", PLACE, "pref", PLACE),
        "");
  }

  private static String option(Family family) {
    return family == Family.IPV4 ? "-4" : "-6";
  }

  private static void run(NetnsHandle namespace, List<String> command, String input) {
    NamespaceCommand.Result result = NamespaceCommand.run(namespace, command, input);
    if (!result.isSuccess()) {
      throw failure(command.getFirst(), result);
    }
  }

  private static RedirectionException failure(String program, NamespaceCommand.Result result) {
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
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("files throw no other checked exception", e);
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
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("files throw no other checked exception", e);
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
}
