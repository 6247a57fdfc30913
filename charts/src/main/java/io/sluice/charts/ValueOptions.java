package io.sluice.charts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The options that give the chart its values. Later ones win: files, options with names of their
 * own, {@code --set}, {@code --set-file}. Which values there are, the chart's schema says.
 */
final class ValueOptions {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long LARGEST_FILE_BYTES = 1 << 20;

  @Option(
      names = {"-f", "--values"},
      paramLabel = "FILE",
      description = "Values in YAML; repeatable, later files win.")
  private List<Path> files = List.of();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "One value, or several with commas between, in Helm's grammar; repeatable:"
              + " interception.fallback=true, cni.binDirs={/a,/b}.")
  private List<String> settings = List.of();

  @Option(
      names = "--set-file",
      paramLabel = "KEY=FILE",
      description = "A value that is the content of a file; repeatable: trustBundle.pem=roots.pem.")
  private List<String> fileSettings = List.of();

  @Option(
      names = "--mode",
      paramLabel = "auto|ebpf|iptables",
      description = "How traffic of pods is intercepted; as --set interception.mode=.")
  private @Nullable String mode;

  @Option(
      names = "--size",
      paramLabel = "NAME",
      description = "edge-tiny (nodes of 1 GiB), edge or default; as --set size=.")
  private @Nullable String size;

  @Option(
      names = "--registry",
      paramLabel = "PREFIX",
      description = "Registry and path before the names of the images; as --set image.registry=.")
  private @Nullable String registry;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Documents of values in YAML, the later over the earlier. */
  List<String> documents() {
    List<String> documents = new ArrayList<>();
    files.forEach(file -> documents.add(content("--values", file)));
    Map<String, Object> values = new LinkedHashMap<>();
    putIfGiven("interception.mode", mode, values);
    putIfGiven("size", size, values);
    putIfGiven("image.registry", registry, values);
    try {
      settings.forEach(setting -> SetExpression.apply(setting, values));
      fileSettings.forEach(setting -> putFile(setting, values));
      if (!values.isEmpty()) {
        documents.add(JSON.writeValueAsString(values));
      }
    } catch (IllegalArgumentException | JsonProcessingException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
    return documents;
  }

  private static void putIfGiven(String key, @Nullable String value, Map<String, Object> values) {
    if (value != null) {
      SetExpression.applyText(key, value, values);
    }
  }

  private void putFile(String setting, Map<String, Object> values) {
    int equals = setting.indexOf('=');
    if (equals <= 0) {
      throw new IllegalArgumentException("--set-file '" + setting + "' has no KEY=FILE");
    }
    Path file = Path.of(setting.substring(equals + 1));
    SetExpression.applyText(setting.substring(0, equals), content("--set-file", file), values);
  }

  private String content(String option, Path file) {
    try {
      if (Files.size(file) > LARGEST_FILE_BYTES) {
        throw new IOException("longer than " + LARGEST_FILE_BYTES + " bytes");
      }
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ParameterException(
          spec.commandLine(), option + " " + file + " cannot be read: " + FileFault.reason(e), e);
    }
  }
}
