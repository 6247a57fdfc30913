package io.sluice.kernel.matrix;

import io.sluice.bpf.CompiledObjects;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.ProgramObjects;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.FeatureAnswer;
import io.sluice.linux.capability.FeatureProbe;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Which of the real programs this kernel takes, each tried alone and with maps of its own. */
final class ProgramTrials {
  private ProgramTrials() {}

  /** Refused objects with the kernel's reason: the error and the verifier's last words. */
  static Map<String, String> refusals() {
    Map<String, String> refused = new LinkedHashMap<>();
    String maps = CompiledObjects.MAPS;
    attempt(maps, () -> BpfObject.open(CompiledObjects.read(maps), maps), refused);
    for (InterceptionProgram program : InterceptionProgram.values()) {
      attempt(program.objectName(), () -> ProgramObjects.open(BpfKernel.LINUX, program), refused);
    }
    return refused;
  }

  private static void attempt(
      String name, Supplier<BpfObject> opened, Map<String, String> refused) {
    try (BpfObject object = opened.get()) {
      try {
        object.load();
      } catch (LinuxException e) {
        refused.put(name, e.errno() + ": " + lastWords(object.verifierLog(), e.hint()));
      }
    } catch (RuntimeException e) {
      refused.put(name, String.valueOf(e.getMessage()));
    }
  }

  /** The verifier ends with statistics; the line before them is the reason. */
  private static String lastWords(String log, String otherwise) {
    List<String> lines =
        log.lines().filter(line -> !line.isBlank() && !line.startsWith("processed ")).toList();
    return lines.isEmpty() ? otherwise : lines.getLast().strip();
  }

  /** What the kernel lacks of the features that Sluice knows of. */
  static List<String> missingFeatures() {
    return new FeatureProbe()
        .probeAll().values().stream()
            .filter(answer -> !answer.isSupported())
            .map(FeatureAnswer::feature)
            .map(Enum::name)
            .collect(Collectors.toList());
  }

  /** All objects, for the count. */
  static int objects() {
    return 1 + Arrays.asList(InterceptionProgram.values()).size();
  }
}
