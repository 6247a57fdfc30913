package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The save and restore programs of one variant and family.
 *
 * @param variant {@code nft}, {@code legacy}, or {@code plain} when only unnamed programs exist
 */
record Tool(Family family, String variant, Path restore, Path save) {
  private static final String NFT = "nft";

  private static final List<Path> DIRECTORIES =
      List.of(
          Path.of("/usr/sbin"),
          Path.of("/sbin"),
          Path.of("/usr/local/sbin"),
          Path.of("/usr/bin"),
          Path.of("/bin"));

  /** How long a program may wait for the xtables lock, in seconds. */
  private static final String LOCK_WAIT_SECONDS = "5";

  /** Programs of this machine, in the order of preference. */
  static List<Tool> installed(Family family) {
    String base = family == Family.IPV4 ? "iptables" : "ip6tables";
    List<Tool> found = new ArrayList<>();
    add(found, family, NFT, base + "-nft");
    add(found, family, "legacy", base + "-legacy");
    if (found.isEmpty()) {
      add(found, family, "plain", base);
    }
    return found;
  }

  private static void add(List<Tool> found, Family family, String variant, String prefix) {
    for (Path directory : DIRECTORIES) {
      Path restore = directory.resolve(prefix + "-restore");
      Path save = directory.resolve(prefix + "-save");
      if (Files.isExecutable(restore) && Files.isExecutable(save)) {
        found.add(new Tool(family, variant, restore, save));
        return;
      }
    }
  }

  /** Whether it writes nftables rules for sure. */
  boolean isNftables() {
    return variant.equals(NFT);
  }

  /** The namespace's rules. */
  SavedRules save(NetnsHandle namespace) {
    return saved(namespace, List.of(save.toString()));
  }

  /** The namespace's rules with their packet counters. */
  SavedRules saveWithCounters(NetnsHandle namespace) {
    return saved(namespace, List.of(save.toString(), "-c"));
  }

  private SavedRules saved(NetnsHandle namespace, List<String> command) {
    var result = NamespaceCommand.run(namespace, command, "");
    if (!result.isSuccess()) {
      throw RestoreDiagnosis.of(this, "", result.errors());
    }
    return SavedRules.parse(result.output());
  }

  /** Applies a script; each of its tables at once or not at all. */
  void restore(NetnsHandle namespace, String script) {
    if (script.isEmpty()) {
      return;
    }
    var result =
        NamespaceCommand.run(
            namespace, List.of(restore.toString(), "--noflush", "-w", LOCK_WAIT_SECONDS), script);
    if (!result.isSuccess()) {
      throw RestoreDiagnosis.of(this, script, result.errors());
    }
  }

  /**
   * Takes away the built-in chains and tables that hold nothing, and with the last nat chain
   * connection tracking. Only nft can; a legacy table stays until the namespace ends.
   */
  void dropIdle(NetnsHandle namespace) {
    if (!isNftables()) {
      return;
    }
    SavedRules now = save(namespace);
    for (Rule.Table table : Rule.Table.values()) {
      // Refused when somebody has just put a rule there: then it stays.
      now.idleChains(table.label())
          .forEach(chain ->
              NamespaceCommand.run(
                  namespace,
                  List.of(restore.toString(), "--noflush", "-w", LOCK_WAIT_SECONDS),
                  "*" + table.label() + "\n-X " + chain + "\nCOMMIT\n"));
      dropEmpty(namespace, (family == Family.IPV4 ? "ip " : "ip6 ") + table.label());
    }
  }

  /** Where nft is not installed, an empty table stays. */
  private static void dropEmpty(NetnsHandle namespace, String table) {
    var listed = NamespaceCommand.run(namespace, List.of(NFT, "list table " + table), "");
    if (listed.isSuccess()
        && listed.output().lines().filter(line -> !line.isBlank()).count() <= 2) {
      NamespaceCommand.run(namespace, List.of(NFT, "delete table " + table), "");
    }
  }

  @Override
  public String toString() {
    return restore.getFileName() + " " + family;
  }
}
