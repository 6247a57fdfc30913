package io.sluice.cni.install;

import io.sluice.cni.install.BinaryPlaces.Failures;
import io.sluice.process.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Puts the CNI plugin onto the node: the binary first, then the network configuration that names
 * it, so that a runtime never reads of a plugin that is not there. Each step leaves the old or the
 * new state; repeating is free. Its methods exclude one another.
 */
public final class CniInstaller {
  // Only root reads it, as the benchmarks for hardened nodes ask of configurations.
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-------");

  private final HostTree tree;
  private final Supplier<RuntimePaths> paths;
  private final BinaryPlaces binaries;
  private final PluginEntry entry;

  /**
   * @param root where the node's files are, {@code /} on the node itself
   * @param paths asked in each round, such as {@link RuntimeDetection#detect}
   * @param binary the client for this machine
   * @param entry what the configuration tells the client
   */
  public CniInstaller(Path root, Supplier<RuntimePaths> paths, byte[] binary, PluginEntry entry) {
    this.tree = new HostTree(root);
    this.paths = paths;
    this.binaries = new BinaryPlaces(tree, binary);
    this.entry = entry;
  }

  private record Plan(ChainState state, String primary, byte[] wanted, List<Problem> problems) {}

  /**
   * Makes the node as it should be, as far as that is possible. What cannot be done leaves the
   * previous state and is named in the answer; nothing is thrown. A primary configuration that has
   * gone leaves ours in place: that is for {@link ConfigurationWatch} to end.
   */
  public Convergence converge() {
    return converge(paths.get());
  }

  synchronized Convergence converge(RuntimePaths where) {
    var done = new ArrayList<String>();
    var problems = new ArrayList<Problem>();
    binaries.install(where, done, problems);
    Plan plan = plan(where);
    problems.addAll(plan.problems());
    ChainState state = plan.state();
    Path file = where.confDir().resolve(ChainedConflist.FILE);
    try {
      DurableFile ours = ours(where.confDir());
      if (ours.clearTemporary()) {
        done.add("cleared what an interrupted write left in " + where.confDir());
      }
      if (plan.wanted().length > 0 && !ours.holds(plan.wanted())) {
        if (binaries.canRun(where)) {
          ours.replace(plan.wanted());
          done.add("wrote " + file + " from " + plan.primary());
          state = plan(where).state();
        } else {
          problems.add(
              new Problem(
                  file,
                  "is not written before its binary is in one of "
                      + where.binDirs()
                      + ": no pod could start"));
        }
      }
    } catch (IOException e) {
      problems.add(new Problem(file, "cannot be written: " + Failures.text(e)));
    }
    return new Convergence(where, state, done, problems);
  }

  /** How things stand. Changes nothing. */
  public synchronized InstallStatus status() {
    RuntimePaths where = paths.get();
    Plan plan = plan(where);
    var problems = new ArrayList<>(plan.problems());
    List<Path> current = binaries.current(where);
    if (isPresent(where) && !binaries.canRun(where)) {
      problems.add(
          new Problem(
              where.binDirs().getFirst().resolve(PluginEntry.TYPE),
              "is missing: the runtime looks for it in " + where.binDirs()));
    }
    return new InstallStatus(
        where, plan.state(), plan.primary(), current, problems, removalCommand(where));
  }

  /**
   * Takes our configuration away: the runtime goes back to the primary one. The binary stays, since
   * the runtime calls it for the end of every pod that was started through it, for as long as that
   * pod lives; without it pods could not be deleted. Close a {@link ConfigurationWatch} before, or
   * it puts the configuration back.
   */
  public synchronized Convergence uninstall() {
    RuntimePaths where = paths.get();
    var done = new ArrayList<String>();
    var problems = new ArrayList<Problem>();
    for (Path confDir : where.confDirs()) {
      removeConflist(confDir, done, problems);
    }
    List<Path> kept = binaries.current(where);
    if (!kept.isEmpty()) {
      done.add(
          "kept "
              + PluginEntry.TYPE
              + " in "
              + kept
              + ": pods that run were started through it and cannot be deleted without it");
    }
    if (done.isEmpty() && problems.isEmpty()) {
      done.add(
          "nothing to remove: no %s in %s, no %s in %s"
              .formatted(
                  ChainedConflist.FILE, where.confDirs(), PluginEntry.TYPE, where.binDirs()));
    }
    return new Convergence(where, plan(where).state(), done, problems);
  }

  /**
   * Removes the binary: for when every pod that was started through the plugin has gone. Refuses
   * while our configuration is there, for then no pod could start.
   */
  public synchronized Convergence removeBinary() {
    RuntimePaths where = paths.get();
    var done = new ArrayList<String>();
    var problems = new ArrayList<Problem>();
    for (Path confDir : where.confDirs()) {
      if (tree.exists(confDir.resolve(ChainedConflist.FILE))) {
        problems.add(
            new Problem(
                confDir.resolve(ChainedConflist.FILE),
                "still names the binary, which therefore stays; uninstall first"));
      }
    }
    if (problems.isEmpty()) {
      binaries.remove(where, done, problems);
    }
    return new Convergence(where, plan(where).state(), done, problems);
  }

  /** Takes our configuration away because its primary has gone, unless that has come back. */
  synchronized Convergence withdraw(RuntimePaths where) {
    var done = new ArrayList<String>();
    var problems = new ArrayList<Problem>();
    Plan plan = plan(where);
    if (plan.state() == ChainState.ORPHANED) {
      removeConflist(where.confDir(), done, problems);
      plan = plan(where);
    }
    problems.addAll(plan.problems());
    return new Convergence(where, plan.state(), done, problems);
  }

  RuntimePaths paths() {
    return paths.get();
  }

  HostTree tree() {
    return tree;
  }

  private void removeConflist(Path confDir, List<String> done, List<Problem> problems) {
    Path file = confDir.resolve(ChainedConflist.FILE);
    try {
      if (ours(confDir).remove()) {
        done.add("removed " + file);
      }
    } catch (IOException e) {
      problems.add(new Problem(file, "cannot be removed: " + Failures.text(e)));
    }
  }

  /** Reads the node; the wanted content is empty when there is none to be had. */
  private Plan plan(RuntimePaths where) {
    var problems = new ArrayList<Problem>();
    where.notes().forEach(note -> problems.add(new Problem(where.confDir(), note)));
    where.obstacles().forEach(note -> problems.add(new Problem(where.confDir(), note)));
    ConfDirectory directory = new ConfDirectory(tree, where.confDir(), where.network());
    if (!directory.exists()) {
      return new Plan(ChainState.NO_DIRECTORY, "", new byte[0], problems);
    }
    boolean present = isPresent(where);
    ChainState without = present ? ChainState.OUTDATED : ChainState.ABSENT;
    String primary = "";
    byte[] wanted = new byte[0];
    ChainState state = without;
    try {
      Optional<ConfDirectory.Primary> found = directory.primary();
      if (found.isEmpty()) {
        state = present ? ChainState.ORPHANED : ChainState.NO_PRIMARY;
      } else {
        primary = found.get().file();
        byte[] list = ChainedConflist.render(primary, found.get().content(), entry);
        boolean first = noteOthers(directory, list, where.confDir(), problems);
        if (where.obstacles().isEmpty()) {
          wanted = list;
          if (ours(where.confDir()).holds(list)) {
            state = first ? ChainState.CHAINED : ChainState.SHADOWED;
          }
        }
      }
    } catch (InvalidPrimaryException e) {
      problems.add(new Problem(where.confDir().resolve(primary), e.getMessage() + kept(present)));
    } catch (IOException e) {
      problems.add(
          new Problem(where.confDir(), "cannot be read: " + Failures.text(e) + kept(present)));
    }
    return new Plan(state, primary, wanted, problems);
  }

  private boolean isPresent(RuntimePaths where) {
    return tree.exists(where.confDir().resolve(ChainedConflist.FILE));
  }

  private static String kept(boolean present) {
    return present ? "; ours stays as it was" : "; ours is not written";
  }

  /** Returns whether ours comes first. */
  private static boolean noteOthers(
      ConfDirectory directory, byte[] list, Path confDir, List<Problem> problems)
      throws IOException {
    List<String> before = directory.beforeOurs();
    for (String file : before) {
      problems.add(
          new Problem(
              confDir.resolve(file),
              "sorts before "
                  + ChainedConflist.FILE
                  + ", so the runtime uses it alone and pods start outside the mesh; rename it"));
    }
    directory
        .pluginsApart(list)
        .ifPresent(apart ->
            problems.add(
                new Problem(
                    apart,
                    "holds plugins that runtimes with CNI 1.1 run after ours; when they change "
                        + "the pod's addresses, move them into the primary's list")));
    return before.isEmpty();
  }

  private DurableFile ours(Path confDir) throws IOException {
    return new DurableFile(tree.resolve(confDir).resolve(ChainedConflist.FILE), MODE);
  }

  private static String removalCommand(RuntimePaths where) {
    String file = where.confDir().resolve(ChainedConflist.FILE).toString();
    boolean plain = file.matches("[-A-Za-z0-9_./]+");
    return "rm -f " + (plain ? file : "'" + file.replace("'", "'\\''") + "'");
  }

  /**
   * The runtime's directory of network configurations, read as libcni reads it.
   *
   * @param network the network that the runtime is told to use; empty for the first file
   */
  record ConfDirectory(HostTree tree, Path directory, String network) {
    private static final List<String> SUFFIXES = List.of(".conf", ".conflist", ".json");

    /** The configuration that the runtime would use if ours were not there. */
    record Primary(String file, byte[] content) {}

    boolean exists() {
      try {
        return Files.isDirectory(tree.resolve(directory));
      } catch (IOException e) {
        return false;
      }
    }

    /**
     * The primary configuration; nothing when there is none.
     *
     * @throws IOException naming the file, when it is there and cannot be read
     */
    Optional<Primary> primary() throws IOException {
      for (String file : files()) {
        byte[] content;
        try {
          content = tree.read(directory.resolve(file), ChainedConflist.LARGEST_BYTES);
        } catch (NoSuchFileException e) {
          if (!Files.isSymbolicLink(tree.resolve(directory).resolve(file))) {
            continue; // removed since the directory was listed
          }
          throw e;
        }
        if (network.isEmpty() || ChainedConflist.networkOf(content).equals(Optional.of(network))) {
          return Optional.of(new Primary(file, content));
        }
      }
      return Optional.empty();
    }

    /** The files that are used before ours. */
    List<String> beforeOurs() throws IOException {
      var before = new ArrayList<String>();
      for (String file : files()) {
        if (HostTree.compareNames(file, ChainedConflist.FILE) < 0 && mayBeUsed(file)) {
          before.add(file);
        }
      }
      return before;
    }

    private boolean mayBeUsed(String file) throws IOException {
      return network.isEmpty()
          || ChainedConflist.networkOf(
                  tree.read(directory.resolve(file), ChainedConflist.LARGEST_BYTES))
              .equals(Optional.of(network));
    }

    /** The directory of plugins that newer runtimes run after those of the list, if it has any. */
    Optional<Path> pluginsApart(byte[] list) throws IOException {
      Optional<String> name = ChainedConflist.networkOf(list);
      if (name.isEmpty() || name.get().contains("/") || ChainedConflist.isClosed(list)) {
        return Optional.empty();
      }
      Path apart = directory.resolve(name.get());
      if (!Files.isDirectory(tree.resolve(apart))) {
        return Optional.empty();
      }
      boolean any = tree.list(apart).stream().anyMatch(file -> file.toString().endsWith(".conf"));
      return any ? Optional.of(apart) : Optional.empty();
    }

    /** All but ours, as the runtime sorts them. */
    private List<String> files() throws IOException {
      var files = new ArrayList<String>();
      Path local = tree.resolve(directory);
      for (Path entry : tree.list(directory)) {
        String name = entry.toString();
        if (SUFFIXES.stream().anyMatch(name::endsWith)
            && !name.equals(ChainedConflist.FILE)
            && !Files.isDirectory(local.resolve(entry), LinkOption.NOFOLLOW_LINKS)) {
          files.add(name);
        }
      }
      return files;
    }
  }
}
