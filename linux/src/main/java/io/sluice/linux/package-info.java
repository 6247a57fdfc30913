/**
 * The only door to the Linux kernel: namespaces, sockets, BPF, cgroups, capabilities, as plain
 * Java.
 *
 * <p>Every failing call becomes one {@link io.sluice.linux.LinuxException} that names the
 * operation, the error, the subject, and what an operator can do. No native type leaves this
 * module.
 */
@NullMarked
package io.sluice.linux;

import org.jspecify.annotations.NullMarked;
