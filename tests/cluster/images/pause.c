/* PID 1 of a pod's sandbox: holds the namespaces, reaps orphans, ends when asked to. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_end(int number)
{
	(void)number;
	_exit(0);
}

static void on_child(int number)
{
	(void)number;
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
}

int main(void)
{
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	signal(SIGCHLD, on_child);
	for (;;)
		pause();
}
