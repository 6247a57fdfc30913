package io.sluice.linux.syscall;

/**
 * What makes a file, a cgroup or a namespace the same as another.
 *
 * @param device number of the file system, major in the upper 32 bits
 * @param inode number inside that file system
 */
public record FileIdentity(long device, long inode) {}
