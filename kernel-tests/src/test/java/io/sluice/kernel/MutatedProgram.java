package io.sluice.kernel;

import io.sluice.architecture.SourceTree;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.lab.site.Commands;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.bpf.BpfProgramFd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A program of the interception with a fault in its source, compiled as the build does. */
final class MutatedProgram {
  /** Maps that each pod's instance of the steering program has for itself. */
  private static final List<String> OF_ONE_POD = List.of("pod_self", "listeners");

  private final InterceptionProgram program;
  private final byte[] object;

  private MutatedProgram(InterceptionProgram program, byte[] object) {
    this.program = program;
    this.object = object;
  }

  /**
   * Compiles the program with every {@code original} in one source file replaced.
   *
   * @throws IllegalStateException when the file does not hold {@code original}, or the compiler
   *     refuses
   */
  static MutatedProgram compile(
      InterceptionProgram program, String file, String original, String fault) {
    Path sources = SourceTree.around().root().resolve("bpf-programs");
    try {
      Path copy = Files.createTempDirectory("sluice-mutation");
      try {
        copy(sources, copy);
        Path mutated = copy.resolve("src").resolve(file);
        String source = Files.readString(mutated);
        if (!source.contains(original)) {
          throw new IllegalStateException(file + " no longer says '" + original + "'");
        }
        Files.writeString(mutated, source.replace(original, fault));
        Path target = copy.resolve("out").resolve(program.objectName() + ".bpf.o");
        Commands.run(
            "make", "-s", "-C", copy.toString(), "OUT=" + target.getParent(), target.toString());
        return new MutatedProgram(program, Files.readAllBytes(target));
      } finally {
        delete(copy);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot mutate " + file, e);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.copy(from.resolve("Makefile"), to.resolve("Makefile"));
    Path sources = Files.createDirectory(to.resolve("src"));
    try (Stream<Path> files = Files.list(from.resolve("src"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, sources.resolve(file.getFileName()));
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path entry : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    }
  }

  /**
   * Replaces the real program behind its pinned link, over the same maps. The daemon notices within
   * a second and puts its own back.
   *
   * @param podCookie whose steering program it is, for one that every pod has
   */
  void putInForce(PinDirectory pins, long podCookie) {
    boolean shared = program.isAttachedToCgroup();
    Path pin = shared ? pins.link(program.objectName()) : pins.pod(podCookie).resolve("link");
    try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, pins);
        BpfObject opened = BpfObject.open(object, "mutated " + program.objectName())) {
      maps.shareWith(opened);
      if (!shared) {
        OF_ONE_POD.forEach(map -> adopt(opened, map, pins.pod(podCookie).resolve(map)));
      }
      opened.load();
      try (BpfProgramFd loaded = opened.program(program.functionName());
          BpfLink link = BpfLink.openPinned(pin)) {
        link.update(loaded);
      }
    }
  }

  private static void adopt(BpfObject object, String map, Path pin) {
    try (BpfMapFd pinned = BpfMapFd.openPinned(pin)) {
      object.reuseMap(map, pinned);
    }
  }
}
