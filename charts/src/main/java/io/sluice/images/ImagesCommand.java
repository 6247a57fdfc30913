package io.sluice.images;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The steps of {@code ./sluice images} that read or write JSON and signatures. Started by {@code
 * images/build} with the arguments of one step; ends with 0, with 1 where a check fails, with 2
 * where a step is called wrongly or cannot be done.
 */
public final class ImagesCommand {
  private ImagesCommand() {}

  public static void main(String[] args) {
    System.exit(run(List.of(args), System.out, System.err));
  }

  static int run(List<String> args, PrintStream out, PrintStream err) {
    try {
      return switch (args.isEmpty() ? "" : args.getFirst()) {
        case "bill" -> {
          bill(args);
          yield 0;
        }
        case "sign" -> {
          SignedLayout.sign(Path.of(args.get(1)), SigningKey.read(Path.of(args.get(2))));
          yield 0;
        }
        case "sign-archive" -> {
          Path archive = Path.of(args.get(1));
          Files.writeString(
              signatureOf(archive), SigningKey.read(Path.of(args.get(2))).signatureOf(archive));
          yield 0;
        }
        case "verify" -> verify(Path.of(args.get(1)), Path.of(args.get(2)), out, err);
        default -> throw new IllegalArgumentException("no step of making images: " + args);
      };
    } catch (NoSuchFileException e) {
      err.println("images: there is no " + e.getMessage());
      return 2;
    } catch (IOException e) {
      err.println("images: cannot read or write " + e.getMessage());
      return 2;
    } catch (IllegalArgumentException e) {
      err.println("images: " + e.getMessage());
      return 2;
    }
  }

  /** Where the signature of an archive lies: beside it, as {@code cosign sign-blob} writes it. */
  static Path signatureOf(Path archive) {
    return archive.resolveSibling(archive.getFileName() + ".sig");
  }

  /** {@code bill OUTPUT MAVEN-BOM IMAGE ARCHITECTURE VERSION TIME RELEASE PACKAGES JAR...}. */
  private static void bill(List<String> args) throws IOException {
    BillOfMaterials bill =
        new BillOfMaterials(Path.of(args.get(2)), args.get(3), args.get(4), args.get(5))
            .madeAt(args.get(6))
            .withJavaRuntime(Path.of(args.get(7)))
            .withPackages(Path.of(args.get(8)));
    for (String jar : args.subList(9, args.size())) {
      bill.withJar(Path.of(jar));
    }
    Files.writeString(Path.of(args.get(1)), bill.json());
  }

  private static int verify(Path key, Path archive, PrintStream out, PrintStream err)
      throws IOException {
    ArchiveCheck check = ArchiveCheck.of(archive, VerificationKey.read(key));
    check.problems().forEach(problem -> err.println("images: refused: " + problem));
    if (!check.problems().isEmpty()) {
      return 1;
    }
    Stream.concat(check.images().stream(), Stream.of("archive: signature good"))
        .forEach(out::println);
    return 0;
  }
}
