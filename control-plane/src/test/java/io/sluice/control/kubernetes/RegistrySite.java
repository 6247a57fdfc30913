package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.registry.Registry;
import io.sluice.control.registry.RegistryStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.function.Consumer;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** A registry and somebody who changes what is in it: one object of a manifest at a time. */
interface RegistrySite extends AutoCloseable {
  void apply(String yaml) throws IOException;

  void delete(String yaml) throws IOException;

  Registry registry(Consumer<RegistryStatus> statuses) throws IOException;

  @Override
  void close();

  /** Every kind of registry. */
  enum Kind {
    FOLDER {
      @Override
      RegistrySite open(Path home) throws IOException {
        return new Folder(home, Files.createDirectory(home.resolve("manifests")));
      }
    },
    KUBERNETES {
      @Override
      RegistrySite open(Path home) throws Exception {
        return new Cluster(home, new FakeCluster());
      }
    };

    abstract RegistrySite open(Path home) throws Exception;
  }

  private static JsonNode parse(String yaml) {
    return new ObjectMapper()
        .valueToTree(new Load(LoadSettings.builder().build()).loadFromString(yaml));
  }

  /** A folder with one file for each object. */
  record Folder(Path home, Path manifests) implements RegistrySite {
    @Override
    public void apply(String yaml) throws IOException {
      Path written = Files.writeString(home.resolve("written"), yaml);
      Files.move(
          written, file(yaml), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void delete(String yaml) throws IOException {
      Files.delete(file(yaml));
    }

    private Path file(String yaml) {
      JsonNode object = parse(yaml);
      JsonNode metadata = object.path("metadata");
      return manifests.resolve(
          object.path("kind").asText()
              + "-"
              + metadata.path("namespace").asText()
              + "-"
              + metadata.path("name").asText()
              + ".yaml");
    }

    @Override
    public Registry registry(Consumer<RegistryStatus> statuses) {
      return new FolderRegistry(manifests, statuses);
    }

    @Override
    public void close() {
      // the folder is the test's
    }
  }

  /** A cluster with faults on demand. */
  record Cluster(Path home, FakeCluster server) implements RegistrySite {
    @Override
    public void apply(String yaml) {
      server.history().apply(yaml);
    }

    @Override
    public void delete(String yaml) {
      server.history().delete(yaml);
    }

    @Override
    public Registry registry(Consumer<RegistryStatus> statuses) throws IOException {
      return new KubernetesRegistry(server.access(home), CompilerSettings.USUAL, statuses);
    }

    @Override
    public void close() {
      server.close();
    }
  }
}
