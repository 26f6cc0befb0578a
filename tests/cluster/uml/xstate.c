/*
 * Preloaded into linux.uml: makes its ptrace(PTRACE_SETREGSET, NT_X86_XSTATE) work on every processor.
 *
 * UML 6.1 keeps 2696 bytes of extended state of a process (HOST_FP_SIZE, arch/x86/um/os-Linux/registers.c). The
 * host takes nothing shorter than all that its processor has (xstateregs_set, arch/x86/kernel/fpu/regset.c): with
 * AMX that is 11008 bytes, and init dies with "ptrace set fp regs failed, errno = 14" (seen on a Sapphire Rapids
 * under Linux 6.18). What UML does not know stays as the process has it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

static long (*host_ptrace)(int, ...);
/* UML has one processor and does not schedule in here; its stacks are too small for this. */
static char whole[1 << 16];

__attribute__((constructor)) static void find_ptrace(void)
{
	host_ptrace = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
}

static long set_xstate(int pid, struct iovec *part)
{
	struct iovec all = { whole, sizeof(whole) };

	if (host_ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &all) < 0)
		return -1;
	if (part->iov_len >= all.iov_len)
		return host_ptrace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, part);
	memcpy(whole, part->iov_base, part->iov_len);
	return host_ptrace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	int pid;
	void *address, *data;

	va_start(rest, request);
	pid = va_arg(rest, int);
	address = va_arg(rest, void *);
	data = va_arg(rest, void *);
	va_end(rest);
	if (request == PTRACE_SETREGSET && (size_t)address == NT_X86_XSTATE)
		return set_xstate(pid, data);
	return host_ptrace(request, pid, address, data);
}
